public import Capabilities
import Cryptography
import Foundation
import Secrets

// Lines of authorized_keys are only ever changed over the file that was read: a temporary file beside it, renamed over it
// where it still holds what was read.
extension SSHKey {
  /// Adds the new key wherever the leaked one is listed, or was. Every place is tried. Repeating it changes nothing where it
  /// is.
  public func issue(_ order: IssueOrder, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> IssuedCredential
  {
    let operation = "add a key to authorized_keys"
    guard let generated = order.generated, let key = try await publicHalf(generated) else {
      throw CapabilityError(.invalid, operation, because: "no key was made before the call")
    }
    var old = order.replacing?.handle
    if let value = order.replacing?.value, let half = try await publicHalf(value) { old = half.fingerprint }
    let comment = String(
      order.marker.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) })
    var results: [RefResult] = []
    for place in places {
      do throws(CapabilityError) {
        let isPlace = try await add(key, after: old, comment, at: place, under: authority)
        if isPlace { results.append(RefResult(place.ref(key.fingerprint))) }
      } catch { results.append(RefResult(place.ref(key.fingerprint), problem: error)) }
    }
    try results.check(operation)
    guard !results.isEmpty else {
      throw CapabilityError(
        .notFound, operation,
        because: "no account lists the leaked key, so nobody knows which options the new one needs",
        fix: "write options: \"\" (or what they must be) in staunch.yaml, then: staunch resume")
    }
    return IssuedCredential(ref: CredentialRef(key.fingerprint), secret: generated)
  }

  /// - Returns: false where the key that it succeeds was never listed.
  private func add(
    _ key: SSHPublicKey, after old: String?, _ comment: String, at place: SSHPlace,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Bool {
    let look = try await look(place, nil)
    if look.lists(key.fingerprint) { return true }
    let file = old.flatMap { old in look.files.first { $0.keys.options(of: old) != nil } }
    // Where the leaked key is unknown, only what staunch.yaml says can be given.
    guard let target = file ?? (old == nil ? look.files.first : nil) else {
      if let unread = look.files.first(where: { !$0.isRead }) { throw Self.unread(unread, place) }
      return false
    }
    guard let options = settings.options ?? old.flatMap({ target.keys.options(of: $0) }) else { return false }
    var keys = target.keys
    keys.add(key, options: options, comment: comment, after: old)
    try await write(keys, over: target, look, under: authority)
    guard try await self.look(place, nil).lists(key.fingerprint) else {
      throw Self.undone(place, "the new line is not there")
    }
    return true
  }

  /// Takes the leaked key's lines out of every file that sshd goes by, and names it in RevokedKeys where that is configured.
  public func disable(
    _ ref: CredentialRef, leak: Leak, replacedBy: CredentialRef?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let (meantPlaces, fingerprint) = try meant(ref)
    let key = leak.value == nil ? nil : try await publicHalf(try leak.requireValue(to: "disable \(ref)"))
    var results: [RefResult] = []
    for place in meantPlaces {
      do throws(CapabilityError) {
        try await stop(fingerprint, key, at: place, isReplaced: replacedBy != nil, under: authority)
        results.append(RefResult(place.ref(fingerprint)))
      } catch { results.append(RefResult(place.ref(fingerprint), problem: error)) }
    }
    try results.check("disable \(fingerprint)")
  }

  private func stop(
    _ fingerprint: String, _ leaked: SSHPublicKey?, at place: SSHPlace, isReplaced: Bool,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    var look = try await look(place, leaked)
    // A report that names only the fingerprint: the key itself stands in the file.
    let key = leaked ?? look.files.lazy.compactMap { $0.keys.line(of: fingerprint)?.key }.first
    var revocation: CapabilityError?
    if let key, let path = look.revokedKeys, !look.isRevoked {
      do throws(CapabilityError) { try await revoke(key, path, at: place, under: authority) } catch {
        revocation = error
      }
    }
    for file in look.files where file.keys.lists(fingerprint) {
      var keys = file.keys
      keys.remove(fingerprint, isReplaced: isReplaced)
      try await write(keys, over: file, look, under: authority)
    }
    look = try await self.look(place, key)
    if let revocation { throw revocation }
    if look.isRevoked { return }
    if look.lists(fingerprint) {
      throw Self.undone(place, "its line is there again: a process of \(place.account)'s lists it")
    }
    if let unread = look.files.first(where: { !$0.isRead }) { throw Self.unread(unread, place) }
  }

  /// Takes back what `issue` gave, or what is left of a key.
  public func delete(_ ref: CredentialRef, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let (meantPlaces, fingerprint) = try meant(ref)
    var results: [RefResult] = []
    for place in meantPlaces {
      do throws(CapabilityError) {
        let look = try await look(place, nil)
        for file in look.files where file.keys.lists(fingerprint) {
          var keys = file.keys
          keys.remove(fingerprint, isReplaced: true)
          try await write(keys, over: file, look, under: authority)
        }
        results.append(RefResult(place.ref(fingerprint)))
      } catch { results.append(RefResult(place.ref(fingerprint), problem: error)) }
    }
    try results.check("delete \(fingerprint)")
  }

  private static func undone(_ place: SSHPlace, _ because: String) -> CapabilityError {
    CapabilityError(
      .conflict, "authorized_keys of \(place.name)", because: because,
      fix: "end its sessions first, or set RevokedKeys in sshd_config; then: staunch resume")
  }

  static func unread(_ file: SSHKeyLook.File, _ place: SSHPlace) -> CapabilityError {
    let what =
      switch file.state {
      case .large: "is larger than \(SSHKeyLook.largest) bytes"
      case .special: "is no file"
      case .unreadable: "cannot be read by its account"
      case .unanswered: "could not be read within 20 seconds, or somebody ended its reading"
      case .absent, .file: "could not be read"
      }
    return CapabilityError(
      .unsafe, "authorized_keys of \(place.name)",
      because: "\(file.path) \(what): its holder may have made it so, and nothing was changed there",
      fix: "as root at \(place.host), move it away and write its lines anew; then: staunch resume")
  }

  // MARK: writing

  /// With the account's rights below its home; as root only where nobody but root can change what the path leads to.
  private static let writeScript = """
    uid=$1 gid=$2; shift 2
    script='
      f=$1; d=${f%/*}; now=absent; mode=${4:-600}
      if [ -f "$f" ]; then
        now=$(dd if="$f" iflag=nonblock,fullblock bs=65537 count=1 2>/dev/null | sha256sum | cut -c1-64)
        mode=$(stat -Lc %a -- "$f"); fi
      [ "$now" = "$2" ] || { echo changed; exit 0; }
      t=$(mktemp -- "$d/.authorized_keys.XXXXXXXX") || { echo unwritable; exit 0; }
      printf %s "$3" | base64 -d >"$t" && chmod "$mode" -- "$t" && sync -- "$t" && mv -fT -- "$t" "$f" \\
        || { rm -f -- "$t"; echo unwritable; exit 0; }
      echo written'
    if ours "$1"; then /bin/sh -c "$script" sh "$1" "$2" "$3" 644 2>/dev/null; else as_user "$script" sh "$@"; fi

    """

  private func write(
    _ keys: AuthorizedKeys, over file: SSHKeyLook.File, _ look: SSHKeyLook,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let operation = "write \(file.path) of \(look.place.name)"
    let digest = SHA256.hash(data: file.contents).map { Hex.byte($0) }.joined()
    guard keys.bytes.count <= SSHKeyLook.largest else { throw Self.unread(file, look.place) }
    let answer = try await line.change(
      look.place, try await admin(), Self.writeScript,
      [
        "\(look.uid)", "\(look.gid)", file.path, file.state == .absent ? "absent" : digest,
        Data(keys.bytes).base64EncodedString(),
      ], under: authority)
    switch answer.trimmingCharacters(in: .whitespacesAndNewlines) {
    case "written": return
    case "changed":
      throw CapabilityError(
        .conflict, operation, because: "somebody has changed it since it was read", fix: "staunch resume")
    case "unwritable":
      throw CapabilityError(
        .refused, operation, because: "neither its account nor root may safely write there",
        fix: "see the modes and attributes of its directory: ls -ld, lsattr -d")
    default:
      throw CapabilityError(
        .unknownOutcome, operation, because: "the host did not say what became of it", fix: "staunch resume")
    }
  }

  private static let revokeScript = """
    ours "$1" || { echo unsafe; exit 0; }
    # Two at once would each lose the other's line.
    exec 9<"$(dirname -- "$1")" && flock -w 20 9 || { echo busy; exit 0; }
    t=$(mktemp -- "$(dirname -- "$1")/.revoked.XXXXXXXX") || { echo unwritable; exit 0; }
    [ ! -f "$1" ] || cat -- "$1" >"$t"
    if [ "$(head -c 6 -- "$t")" = SSHKRL ]; then
      k=$(mktemp) && printf '%s\\n' "$2" >"$k" && ssh-keygen -k -u -q -f "$t" "$k" >/dev/null 2>&1; done=$?; rm -f -- "$k"
    else
      [ ! -s "$t" ] || [ -z "$(tail -c 1 -- "$t")" ] || echo >>"$t"
      printf '%s\\n' "$2" >>"$t"; done=$?
    fi
    # A file that sshd cannot read shuts everybody out.
    [ "$done" = 0 ] && chmod 644 -- "$t" && sync -- "$t" && mv -fT -- "$t" "$1" || { rm -f -- "$t"; echo unwritable; exit 0; }
    echo written

    """

  private func revoke(
    _ key: SSHPublicKey, _ path: String, at place: SSHPlace, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    let answer = try await line.change(
      place, try await admin(), Self.revokeScript, [path, key.line], under: authority)
    guard answer.trimmingCharacters(in: .whitespacesAndNewlines) == "written" else {
      throw CapabilityError(
        .refused, "write \(path) at \(place.host)", because: "RevokedKeys could not be written",
        fix: "as root: add the line to \(path), then: staunch resume")
    }
  }
}
