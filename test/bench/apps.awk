# apps.awk - medians and ratios of the samples of apps.sh: a table in Markdown
#
# Input lines: app allocator wall_s cpu_s peak_kib idle_kib
function median(key, what,    n, i, j, t, v) {
	n = count[key]
	for (i = 1; i <= n; i++)
		v[i] = sample[key, what, i] + 0
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] > v[j]; j--) {
			t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
		}
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}
{
	key = $1 SUBSEP $2
	if (!($1 in app_seen)) { app_seen[$1] = 1; app[++apps] = $1 }
	if (!($2 in peer_seen)) { peer_seen[$2] = 1; peer[++peers] = $2 }
	n = ++count[key]
	for (i = 3; i <= 6; i++)
		sample[key, i, n] = $i
}
function table(title, what, unit, digits,    a, p, line, best, who, m, value, log_sum, n) {
	printf "\n%s\n\n| program |", title
	for (p = 1; p <= peers; p++) printf " %s |", peer[p]
	printf " slab to the best other |\n|---|"
	for (p = 1; p <= peers; p++) printf "---|"
	print "---|"
	for (a = 1; a <= apps; a++) {
		best = 0
		line = ""
		for (p = 1; p <= peers; p++) {
			m = median(app[a] SUBSEP peer[p], what)
			line = line sprintf(" %." digits "f |", m / unit)
			if (peer[p] == "slab") value = m
			else if (!best || m < best) best = m
			total[what, peer[p]] += log(m > 0 ? m : 1)
		}
		log_sum += log(value / best)
		printf "| %s |%s %.2f |\n", app[a], line, value / best
	}
	printf "| geometric mean |"
	for (p = 1; p <= peers; p++)
		printf " %." digits "f |", exp(total[what, peer[p]] / apps) / unit
	printf " %.2f |\n", exp(log_sum / apps)
}
END {
	table("Seconds of processor time", 4, 1, 3)
	table("Peak resident memory, MiB", 5, 1024, 1)
	table("Resident memory when the work is done, MiB", 6, 1024, 1)
	table("Seconds on the clock", 3, 1, 3)
}
