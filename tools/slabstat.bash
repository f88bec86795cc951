# slabstat.bash - completion for bash; installed as share/bash-completion/completions/slabstat

_slabstat() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local formats='table json csv prometheus slabinfo umastat'
	local pictures='svg png'
	local options='--all --cache= --fail-if= --format= --interval= --json --output= --per-cache'
	options+=' --stop --sort= --help --version'
	local verbs='table snapshot full diff top record plot map verify whatis leaks users'

	if [[ $before == = && ${COMP_WORDS[COMP_CWORD - 2]} == --format || $before == --format ]]
	then
		mapfile -t COMPREPLY < <(compgen -W "$formats $pictures" -- "$word")
	elif [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
	elif [[ $COMP_CWORD -eq 1 ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$word"; compgen -f -- "$word")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}
complete -o nospace -F _slabstat slabstat
