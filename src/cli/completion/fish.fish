# fish completion for kubectl-rbac_lens. For `kubectl rbac-lens` see `kubectl rbac-lens completion install`.
#
#   kubectl rbac-lens completion fish > ~/.config/fish/completions/kubectl-rbac_lens.fish

function __kubectl_rbac_lens
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($words[1] __complete $words[2..-1] $current 2>/dev/null)
    or return
    set -l directive (string replace -r '^:' '' -- $lines[-1])
    set -e lines[-1]
    # Of `--flag=value` only the value is offered, and fish wants the whole word.
    set -l flag (string match -r -- '^-[^=]*=' $current)
    for line in $lines
        printf '%s%s\n' "$flag" $line
    end
    if test (count $lines) -eq 0; and test -n "$directive"
        set -l value (string replace -r -- '^-[^=]*=' '' $current)
        if test (math "bitand($directive, 16)") -ne 0
            printf "$flag%s\n" (__fish_complete_directories "$value")
        else if test (math "bitand($directive, 4)") -eq 0
            printf "$flag%s\n" (__fish_complete_path "$value")
        end
    end
end

complete -c kubectl-rbac_lens -e
complete -c kubectl-rbac_lens -f -a '(__kubectl_rbac_lens)'
