import GitObjects
import Secrets

/// A server-side `pre-receive` hook that refuses a push which would bring removed objects back. It holds ids only.
public struct ReceiveGuard: Sendable {
  /// `hooks/pre-receive` of the bare repository on the server.
  public let hook: String
  /// `staunch-removed-objects` beside `hooks/`: sorted ids, one a line.
  public let list: String

  public init(_ removed: RemovedObjects) {
    list = removed.objects.map { "\($0.hex)\n" }.sorted().joined()
    hook = """
      #!/bin/sh
      # Refuses pushes that would bring removed objects back. Written by: staunch history guard
      # Install: this file as hooks/pre-receive (mode 755), the list as staunch-removed-objects, in the bare repository.
      list=$(git rev-parse --git-dir)/staunch-removed-objects
      [ -r "$list" ] || { echo "staunch: $list cannot be read; push refused" >&2; exit 1; }
      status=0
      while read -r old new ref; do
        case $new in *[!0]*) ;; *) continue ;; esac
        found=$(git rev-list --objects "$new" --not --all | cut -c1-40 | LC_ALL=C sort -u |
          LC_ALL=C comm -12 - "$list" | head -n 3)
        if [ -n "$found" ]; then
          echo "staunch: $ref would bring back history that was removed because it held a secret:" >&2
          echo "$found" | sed 's/^/staunch:   /' >&2
          echo "staunch: put your clone on the rewritten history: staunch history check-clone --fix" >&2
          status=1
        fi
      done
      exit $status

      """
  }
}
