#compdef kubectl-rbac_lens
# zsh completion for kubectl-rbac_lens. For `kubectl rbac-lens` see `kubectl rbac-lens completion install`.
#
#   kubectl rbac-lens completion zsh > "${fpath[1]}/_kubectl-rbac_lens"

_kubectl-rbac_lens() {
	local out line word about directive
	local -a lines offered options before

	out=$("${words[1]}" __complete "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null) || return 1
	lines=("${(@f)out}")
	directive=${lines[-1]#:}
	lines=("${(@)lines[1,-2]}")

	# Of `--flag=value` only the value is offered.
	[[ $PREFIX != -*=* ]] || compset -P '*='
	(( directive & 2 )) && options=(-S '')

	for line in "${(@)lines}"; do
		[[ -n $line ]] || continue
		word=${line%%$'\t'*}
		about=
		[[ $line != *$'\t'* ]] || about=${line#*$'\t'}
		# _describe takes a colon for the end of the word.
		offered+=("${word//:/\\:}${about:+:$about}")
	done

	if (( directive & 16 )); then
		_path_files -/
	elif (( ${#offered} )); then
		_describe 'completions' offered "${(@)options}"
	elif (( ! (directive & 4) )); then
		_files
	fi
}

if [[ ${funcstack[1]} == _kubectl-rbac_lens ]]; then
	_kubectl-rbac_lens "$@"
else
	compdef _kubectl-rbac_lens kubectl-rbac_lens
fi
