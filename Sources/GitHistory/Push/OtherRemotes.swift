import Capabilities
import GitObjects

/// Every place that a repository's remotes lead to besides one: other remotes, further addresses of one remote, and where a
/// remote is pushed to when that is not where it is fetched from.
struct OtherRemotes: Sendable {
  /// One address.
  struct Place: Sendable {
    /// What `--remote` takes for it: the remote's name, or the address where the name leads elsewhere.
    let name: String
    let target: RemoteTarget
  }

  let places: [Place]
  /// Remotes that are not asked, with the reason.
  let refused: [HistoryElsewhere]

  /// - Parameter addresses: those that are looked at already, as Git resolves them.
  /// - Throws: when Git cannot tell the remotes: nobody may take that for "there are none".
  init(besides addresses: [String], layout: RepositoryLayout, git: GitProgram) async throws(CapabilityError) {
    let outcome = try await git.run(["remote"], of: layout)
    guard outcome.status == 0 else {
      throw PushFailure.error(of: outcome, remote: "", operation: "git remote")
    }
    var seen = Set(addresses.map(OtherRemotes.same))
    var places: [Place] = []
    var refused: [HistoryElsewhere] = []
    for line in outcome.output.split(separator: 0x0A) {
      let name = String(decoding: line, as: UTF8.self)
      do throws(CapabilityError) {
        let fetched = try await RemoteTarget.addresses(name, [], layout, git)
        let pushed = try await RemoteTarget.addresses(name, ["--push"], layout, git)
        for address in fetched + pushed where seen.insert(OtherRemotes.same(address)).inserted {
          // A push by the name goes to this address and nowhere else.
          let isItsOwn = pushed == [address]
          let shown = RemoteAddress.withoutUser(address)
          do throws(CapabilityError) {
            places.append(
              Place(
                name: isItsOwn ? name : shown,
                target: try RemoteTarget(name, leadingTo: address, layout: layout, git: git)))
          } catch {
            refused.append(
              HistoryElsewhere(remote: name, address: shown, state: .unseen(because: error.because)))
          }
        }
      } catch {
        // Its addresses are unknown; the others are looked at all the same.
        guard error.class != .cancelled else { throw error }
        refused.append(
          HistoryElsewhere(remote: name, address: "", state: .unseen(because: error.because)))
      }
    }
    for address in try await OtherRemotes.unnamed(layout, git)
    where seen.insert(OtherRemotes.same(address)).inserted {
      let shown = RemoteAddress.withoutUser(address)
      do throws(CapabilityError) {
        places.append(
          Place(
            name: shown, target: try RemoteTarget(shown, leadingTo: address, layout: layout, git: git)))
      } catch {
        refused.append(
          HistoryElsewhere(remote: shown, address: shown, state: .unseen(because: error.because)))
      }
    }
    self.places = places
    self.refused = refused
  }

  /// Addresses that a branch is fetched from or pushed to without a remote of its own (git-config(1), `branch.<name>.remote`).
  private static func unnamed(_ layout: RepositoryLayout, _ git: GitProgram) async throws(CapabilityError)
    -> [String]
  {
    let outcome = try await git.run(
      ["config", "--null", "--get-regexp", "^branch[.].*[.](remote|pushremote)$"], of: layout)
    // Status 1: no key is like that.
    guard outcome.status == 0 || outcome.status == 1 else {
      throw PushFailure.error(of: outcome, remote: "", operation: "git config")
    }
    return outcome.output.split(separator: 0).compactMap { entry in
      guard let end = entry.firstIndex(of: 0x0A) else { return nil }
      let value = String(decoding: entry[(end + 1)...], as: UTF8.self)
      return RemoteTarget.looksLikeAnAddress(value) ? value : nil
    }
  }

  /// Two spellings of one directory or URL.
  private static func same(_ address: String) -> String {
    var text = address
    while text.hasSuffix("/") { text.removeLast() }
    return text.hasSuffix(".git") ? String(text.dropLast(4)) : text
  }
}
