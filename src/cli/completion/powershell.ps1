# PowerShell completion for kubectl-rbac_lens. For `kubectl rbac-lens` see `kubectl rbac-lens completion install`.
#
#   kubectl rbac-lens completion powershell | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName 'kubectl-rbac_lens', 'kubectl-rbac_lens.exe' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object { $_.Extent.Text })
    $rest = @($words | Select-Object -Skip 1) + @("$wordToComplete")
    # Older versions drop an empty word on its way to a program.
    if ("$wordToComplete" -eq '' -and $PSVersionTable.PSVersion -lt [version]'7.3') { $rest[-1] = '""' }
    $lines = @(& $words[0] __complete @rest 2>$null)
    if ($lines.Count -eq 0) { return }

    # Of `--flag=value` only the value is offered, and PowerShell wants the whole word.
    $flag = ''
    if ("$wordToComplete" -match '^-[^=]*=') { $flag = $Matches[0] }
    $lines | Select-Object -SkipLast 1 | ForEach-Object {
        $word, $about = $_ -split "`t", 2
        if (-not $about) { $about = $word }
        [System.Management.Automation.CompletionResult]::new("$flag$word", $word, 'ParameterValue', $about)
    }
}
