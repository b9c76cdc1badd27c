# bash completion for kubectl-rbac_lens. For `kubectl rbac-lens` see `kubectl rbac-lens completion install`.
#
#   source <(kubectl rbac-lens completion bash)

__kubectl_rbac_lens() {
	local rest=${COMP_LINE:0:COMP_POINT} word bare at out directive cur last prefix candidate
	local -a words=()
	COMPREPLY=()

	# bash takes words apart at `:` and `=` too; what no blank parts on the line is one word here.
	for ((at = 0; at <= COMP_CWORD; at++)); do
		word=${COMP_WORDS[at]}
		bare=${rest#"${rest%%[![:space:]]*}"}
		[[ $at -lt $COMP_CWORD ]] || word=$bare
		if [[ $bare == "$rest" && ${#words[@]} -gt 0 ]]; then
			last=$((${#words[@]} - 1))
			words[last]+=$word
		else
			words+=("$word")
		fi
		rest=${bare#"$word"}
	done
	last=$((${#words[@]} - 1))
	cur=${words[last]}

	out=$("${words[0]}" __complete "${words[@]:1}" 2>/dev/null) || return 0
	directive=${out##*:}
	out=${out%:*}

	# Of `--flag=value` only the value is offered.
	[[ $cur != -*=* ]] || cur=${cur#*=}
	# bash puts what it is given behind the last of its own word breaks.
	prefix=
	[[ $COMP_WORDBREAKS != *:* || $cur != *:* ]] || prefix=${cur%"${cur##*:}"}
	[[ $COMP_WORDBREAKS != *=* || ${cur#"$prefix"} != *=* ]] || prefix=${cur%"${cur##*=}"}

	while IFS= read -r candidate; do
		candidate=${candidate%%$'\t'*}
		[[ -z $candidate ]] || COMPREPLY+=("${candidate#"$prefix"}")
	done <<<"$out"

	# compopt came with bash 4; without it a space too many, or a file name, is all that goes wrong.
	type compopt >/dev/null 2>&1 || return 0
	((directive & 2)) && compopt -o nospace
	if ((directive & 16)); then
		compopt -o dirnames
	elif ((!(directive & 4))); then
		compopt -o default
	fi
	return 0
}

complete -F __kubectl_rbac_lens kubectl-rbac_lens
