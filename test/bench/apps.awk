# apps.awk - medians and ratios of the samples of apps.sh: tables in Markdown, a picture in svg
#
# Input lines: app allocator wall_s cpu_s peak_kib idle_kib
# Set from outside: svg, the file of the picture.
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

# ---- the picture: for each program a bar for each allocator, the longest as wide as the panel ----

function text(x, y, words, extra) {
	printf "<text x=\"%d\" y=\"%d\"%s>%s</text>\n", x, y, extra, words >svg
}

function panel(x, title, what, unit, form,    a, p, y, m, w, most) {
	text(x, 34, title, " font-weight=\"bold\"")
	for (a = 1; a <= apps; a++) {
		most = 0
		for (p = 1; p <= peers; p++) {
			m = median(app[a] SUBSEP peer[p], what)
			if (m > most) most = m
		}
		for (p = 1; p <= peers; p++) {
			m = median(app[a] SUBSEP peer[p], what)
			y = 44 + (a - 1) * (peers * 9 + 12) + (p - 1) * 9
			w = most > 0 ? 130 * m / most : 0
			printf "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"8\"", x, y, w >svg
			printf " fill=\"%s\"/>\n", colour[peer[p]] >svg
			text(x + 4 + w, y + 8, sprintf(form, m / unit), " font-size=\"8\"")
		}
		if (x < 200)
			text(8, 44 + (a - 1) * (peers * 9 + 12) + peers * 5, app[a], "")
	}
}

function picture(    p, n, names, colours) {
	n = split("glibc mimalloc jemalloc tcmalloc slab", names, " ")
	split("#9aa5b1 #7fb3d5 #82c99d #e5c07b #c0392b", colours, " ")
	for (p = 1; p <= peers; p++) colour[peer[p]] = "#b39ddb"
	for (p = 1; p <= n; p++) colour[names[p]] = colours[p]
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"690\" height=\"%d\" " \
		"font-family=\"sans-serif\" font-size=\"11\">\n", 60 + apps * (peers * 9 + 12) >svg
	print "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>" >svg
	for (p = 1; p <= peers; p++) {
		printf "<rect x=\"%d\" y=\"6\" width=\"10\" height=\"10\" fill=\"%s\"/>\n",
			110 + (p - 1) * 90, colour[peer[p]] >svg
		text(124 + (p - 1) * 90, 15, peer[p], "")
	}
	panel(110, "processor time, s", 4, 1, "%.2f")
	panel(300, "peak, MiB", 5, 1024, "%.0f")
	panel(490, "when done, MiB", 6, 1024, "%.1f")
	print "</svg>" >svg
}

END {
	if (svg != "")
		picture()
	table("Seconds of processor time", 4, 1, 3)
	table("Peak resident memory, MiB", 5, 1024, 1)
	table("Resident memory when the work is done, MiB", 6, 1024, 1)
	table("Seconds on the clock", 3, 1, 3)
}
