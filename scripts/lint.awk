# lint.awk - the rules that can be read off the text of the C files; called by lint.sh
#
# Input: all files of include/ slab/ tools/ test/, given twice: the first pass learns each file's
# floor from its head comment, the second complains, as "file:line: sentence". Warnings begin with
# "warning:" after the line.

function say(line, words) { print FILENAME ":" line ": " words }

function base(path) { sub(/.*\//, "", path); return path }
function stem(path) { path = base(path); sub(/\.[ch]$/, "", path); return path }
function folder(path) { sub(/\/.*/, "", path); return path }

# The line without strings and comments, so that words in them do not count.
function strip(s,    out, at) {
	out = ""
	while (s != "") {
		if (in_comment) {
			at = index(s, "*/")
			if (!at)
				return out
			s = substr(s, at + 2)
			in_comment = 0
		} else if (match(s, /"([^"\\]|\\.)*"|'([^'\\]|\\.)+'|\/\*|\/\//)) {
			out = out substr(s, 1, RSTART - 1)
			at = substr(s, RSTART, 2)
			if (at == "//")
				return out
			in_comment = at == "/*"
			if (!in_comment)
				out = out "0"
			s = substr(s, RSTART + RLENGTH)
		} else {
			return out s
		}
	}
	return out
}

# Columns with tabs at every 8.
function width(s,    n, i, parts, w) {
	n = split(s, parts, "\t")
	w = 0
	for (i = 1; i < n; i++)
		w = int((w + length(parts[i])) / 8) * 8 + 8
	return w + length(parts[n])
}

function has_word(s, words) { return match(s, "(^|[^A-Za-z0-9_])(" words ")[ \t]*\\(") }

function end_of_file() {
	if (file == "")
		return
	most = file ~ /slab\/layout\.h$/ ? 500 : 400 # which holds every struct
	if (size > most)
		print file ":" size ": the file has " size " lines; " most " is the most"
	else if (size > most - 50)
		print file ":" size ": warning: the file has " size " lines; aim at " most - 50
}

# ---- first pass: floors -----------------------------------------------------------------------

FNR == 1 { pass = (FILENAME in seen) ? 2 : 1; seen[FILENAME] = 1; head = 1 }

pass == 1 {
	if (head && match($0, /Floor t?[0-9]+/)) {
		floor[FILENAME] = substr($0, RSTART + 6, RLENGTH - 6)
		head = 0
	}
	if (index($0, "*/"))
		head = 0
	next
}

# ---- second pass ------------------------------------------------------------------------------

FNR == 1 {
	end_of_file()
	file = FILENAME
	size = 0
	in_comment = 0
	body = 0
	place = folder(FILENAME)
	is_header = FILENAME ~ /\.h$/
	if ((place == "slab" && floor[FILENAME] !~ /^[0-9]/) ||
	    (place == "tools" && floor[FILENAME] !~ /^t[0-9]/))
		say(1, "the head comment names no floor, as in \"Floor " \
		    (place == "tools" ? "t1" : "1") "\"")
}

{
	code = strip($0)
	# what a header explains is not counted against it
	if (!is_header || code ~ /[^ \t]/)
		size++
	if (width($0) > 100)
		say(FNR, "the line is longer than 100 columns")
}

# Includes: own header, or a lower floor of the same house; the tools see layout.h of the other.
/^[ \t]*#[ \t]*include[ \t]*"/ && (place == "slab" || place == "tools") {
	split($0, quoted, "\"")
	name = base(quoted[2])
	if (name != "slab.h" && stem(name) != stem(FILENAME)) {
		target = (quoted[2] ~ /\//) ? quoted[2] : place "/" name
		sub(/^(\.\.?\/)+/, "", target)
		if (place == "tools" && folder(target) == "slab") {
			if (name != "layout.h")
				say(FNR, "a tool may see of the library only slab/layout.h")
		} else if (!(target in floor)) {
			say(FNR, quoted[2] " has no floor that is known")
		} else if (substr(floor[target], place == "tools" ? 2 : 1) + 0 >= \
			   substr(floor[FILENAME], place == "tools" ? 2 : 1) + 0) {
			say(FNR, "floor " floor[FILENAME] " includes " name " of floor " \
			    floor[target] "; only lower floors may be included")
		}
	}
}

place == "slab" && FILENAME !~ /\/page\.c$/ {
	kernel = "mmap|mmap64|munmap|madvise|posix_madvise|mremap|process_madvise"
	if (has_word(code, kernel) || code ~ "(SYS_|__NR_)(" kernel ")")
		say(FNR, "only page.c may ask the kernel for memory or give it back")
	if (!is_header && code ~ /^[ \t]*#[ \t]*(el)?if/)
		say(FNR, "no #if in slab/*.c: options are 0 or 1 in a plain if")
}

place == "slab" && !is_header && FILENAME !~ /\/direct\.c$/ &&
has_word(code, "malloc|calloc|realloc|free|printf|fprintf|sprintf|snprintf") {
	call = substr(code, RSTART, RLENGTH - 1)
	gsub(/[^a-z]/, "", call)
	say(FNR, "the library may not call " call "(), which takes memory or uses stdio")
}

(place == "slab" || place == "tools") && !is_header && code ~ /^[ \t]*extern[ \t]/ {
	say(FNR, "what another file defines is declared in its header, whose floor counts")
}

# A function is what stands between a { and a } at the left edge.
code ~ /^{/ { body = FNR }
code ~ /^}/ && body {
	lines = FNR - body - 1
	if (lines > 60)
		say(body, "the function has " lines " lines; 60 is the most")
	else if (lines > 50)
		say(body, "warning: the function has " lines " lines; aim at 50")
	body = 0
}

END { end_of_file() }
