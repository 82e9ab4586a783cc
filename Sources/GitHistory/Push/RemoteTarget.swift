import Capabilities

/// Where a remote's name leads at this moment, as Git itself resolves it (`insteadOf`, `pushurl` …).
struct RemoteTarget: Sendable {
  /// The remote's name, or the address that was given instead of one.
  let name: String
  /// What is cloned. May hold a credential: never shown as it is.
  let fetchAddress: String
  /// What is pushed to.
  let pushAddress: String
  /// Its name leads elsewhere, or to more than this.
  private let needsAlias: Bool

  /// For people and for comparison: without user and password.
  var shown: String { RemoteAddress.withoutUser(pushAddress) }

  /// What `git push` and `git ls-remote` get. A remote that is pushed to elsewhere than it is fetched from gets a name of
  /// its own for the one command, so that what is asked for references is what is pushed to.
  var operand: String { needsAlias ? "staunch-push-address" : name }
  var settings: [(key: String, value: String)] {
    operand == name ? [] : [("remote.\(operand).url", pushAddress)]
  }

  /// - Throws: `.notFound` when there is no such remote; `.configuration` when one name pushes to several addresses.
  init(_ name: String, layout: RepositoryLayout, git: GitProgram) async throws(CapabilityError) {
    self.name = name
    guard let fetch = try await RemoteTarget.addresses(name, [], layout, git).first else {
      guard RemoteTarget.looksLikeAnAddress(name) else {
        throw CapabilityError(
          .notFound, "find the remote \(name)", because: "this repository has no remote of that name",
          fix: "see its remotes: git -C '\(layout.standing.text)' remote -v")
      }
      fetchAddress = name
      pushAddress = name
      needsAlias = false
      return  // the user's own word
    }
    let push = try await RemoteTarget.addresses(name, ["--push"], layout, git)
    guard push.count == 1, let only = push.first else {
      throw CapabilityError(
        .configuration, "push to \(name)",
        because: "it pushes to \(push.count) addresses, and each needs its own references to be looked at",
        fix:
          "give each address a remote of its own (git remote add); this lists them: git -C '\(layout.standing.text)' remote -v"
      )
    }
    fetchAddress = fetch
    pushAddress = only
    needsAlias = fetch != only
    guard !git.trust.covers(layout) else { return }
    for address in [fetch, only] { try RemoteTarget.refuseInside(layout, address, name) }
  }

  /// One of the addresses of the remote `name`, to be asked and cloned.
  init(_ name: String, leadingTo address: String, layout: RepositoryLayout, git: GitProgram)
    throws(CapabilityError)
  {
    self.name = name
    fetchAddress = address
    pushAddress = address
    needsAlias = true
    if !git.trust.covers(layout) { try RemoteTarget.refuseInside(layout, address, name) }
  }

  /// A repository within this one would run its own hooks when it is pushed to: whoever prepared this one made it, too.
  private static func refuseInside(_ layout: RepositoryLayout, _ address: String, _ name: String)
    throws(CapabilityError)
  {
    let scheme = "file://"
    guard address.hasPrefix(scheme) || !(address.contains("://") || RemoteAddress.isSecureShell(address))
    else { return }
    let path = address.hasPrefix(scheme) ? String(address.dropFirst(scheme.count)) : address
    let given = path.hasPrefix("/") ? PathBytes(path) : layout.standing / path
    // What is not there cannot be contacted, and Git says so.
    guard DurableFiles.exists(given) else { return }
    let place = try DurableFiles.canonical(given)
    let outer = [layout.common] + layout.workTrees.compactMap(\.root)
    guard outer.contains(where: { place == $0 || place.relative(to: $0) != nil }) else { return }
    throw CapabilityError(
      .unsafe, "contact the remote \(name)",
      because: "it leads to a directory inside this repository, whose hooks would run",
      fix: "see where it leads: git -C '\(layout.standing.text)' remote -v; when it is yours: "
        + "the same command with --trust-repository-config")
  }

  /// As Git resolves them now; none: there is no such remote.
  static func addresses(
    _ name: String, _ more: [String], _ layout: RepositoryLayout, _ git: GitProgram
  ) async throws(CapabilityError) -> [String] {
    guard !name.hasPrefix("-") else { return [] }
    let outcome = try await git.run(
      ["remote", "get-url", "--all"] + more + [name], of: layout, contacting: .remote)
    guard outcome.status == 0 else {
      // Status 2 since Git 2.30: there is none. Anything else says nothing about the remote.
      guard outcome.status == 2 || outcome.errors.lowercased().contains("no such remote") else {
        throw PushFailure.error(of: outcome, remote: name, operation: "git remote get-url")
      }
      return []
    }
    return outcome.output.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
  }

  static func looksLikeAnAddress(_ text: String) -> Bool {
    !text.hasPrefix("-") && (text.contains("/") || RemoteAddress.isSecureShell(text))
  }
}
