/// A small hook in plain `sh` and `grep`, so that it needs nothing installed. It names the file, never the secret.
struct HookScript: Sendable {
  /// Tells our hooks from others.
  static let mark = "installed by staunch"

  let isBare: Bool

  var name: String { isBare ? "pre-receive" : "pre-commit" }

  var text: String { isBare ? receive : commit }

  /// Extended regular expressions of well-known credentials.
  private static let patterns = [
    "sk-[A-Za-z0-9_-]{20}", "A[KS]IA[0-9A-Z]{16}", "gh[pousr]_[A-Za-z0-9]{36}", "github_pat_[A-Za-z0-9_]{22}",
    "glpat-[A-Za-z0-9_-]{20}", "xox[abprs]-[A-Za-z0-9-]{20}", "hf_[A-Za-z]{34}", "npm_[A-Za-z0-9]{36}",
    "AIza[A-Za-z0-9_-]{35}", "-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "[a-z]+://[^ :@/\"]+:[^ $@/\"]{8,}@",
  ].joined(separator: "|")

  private var commit: String {
    """
    #!/bin/sh
    # \(Self.mark): stops a commit that adds a secret. Once, knowingly: git commit --no-verify
    patterns='\(Self.patterns)'
    bad=0
    git diff --cached --name-only --diff-filter=d | {
      while IFS= read -r file; do
        if git diff --cached -U0 --no-color -- "$file" | grep '^+' | grep -Eq -e "$patterns"; then
          echo "staunch: $file adds a secret; take it out and read it from the environment" >&2
          bad=1
        fi
      done
      exit $bad
    }

    """
  }

  private var receive: String {
    """
    #!/bin/sh
    # \(Self.mark): refuses a push that adds a secret.
    patterns='\(Self.patterns)'
    bad=0
    while read -r old new ref; do
      case $new in *[!0]*) ;; *) continue ;; esac
      if git log -p -U0 --no-color --format= "$new" --not --all | grep '^+' | grep -Eq -e "$patterns"; then
        echo "staunch: the push to $ref adds a secret; rewrite those commits first" >&2
        bad=1
      fi
    done
    exit $bad

    """
  }
}
