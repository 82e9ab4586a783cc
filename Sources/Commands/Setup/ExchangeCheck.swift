import Foundation
import JSON
import Response
import Worker

/// What `doctor` says of the exchange directory and of an endpoint that somebody else starts.
struct ExchangeCheck {
  struct Finding: Hashable {
    let name: String
    /// Nil: all is well.
    let problem: String?
    let note: String
  }

  let place: ExchangePlace
  /// The endpoint's own receiver.json; nil: it is not looked at.
  let settings: String?
  /// The platforms that staunch.yaml names under `sources:`.
  let sources: Set<String>

  func findings() -> [Finding] {
    do throws(Refusal) {
      try place.check()
      let strangers = try place.strangers().map { stranger in
        Finding(
          name: "exchange: \(harmless(stranger.name))",
          problem:
            "\(stranger.because), and nothing here opens it: somebody who may write there put it there; "
            + "fix: see who (ls -l \(place.path)), ask whether the endpoint was taken over, then remove it",
          note: "")
      }
      return rights() + strangers + routes()
    } catch {
      return [
        Finding(
          name: "exchange", problem: "\(error.because)" + (error.fix.map { "; fix: \($0)" } ?? ""), note: "")
      ]
    }
  }

  private func rights() -> [Finding] {
    guard place.group != nil else { return [] }
    let intruders = place.intruders()
    return [
      Finding(
        name: "exchange",
        problem: intruders.isEmpty
          ? nil
          : "\(intruders.joined(separator: ", ")) may enter the state directory; fix: chmod 700 it, and let "
            + "the group of the exchange be no group of its own",
        note: place.rights().joined(separator: "; "))
    ]
  }

  /// Routes of an endpoint with settings of its own. Its secrets are its user's: it looks at them itself (--check).
  private func routes() -> [Finding] {
    guard let settings else { return [] }
    guard let bytes = FileManager.default.contents(atPath: settings) else {
      return [
        Finding(
          name: "endpoint",
          problem:
            "\(settings) cannot be read; fix: let the worker's group read it, or leave out exchange: settings",
          note: "")
      ]
    }
    do throws(JSONError) {
      let receiver = try JSONValue(parsing: bytes)
      let count = receiver["routes"]?.array?.count ?? 0
      let own = Finding(name: "endpoint", problem: nil, note: "\(settings): \(count) routes")
      return [own]
        + ReceiverAdvice.findings(receiver, sources: sources).map {
          Finding(name: $0.place, problem: "\($0.because); fix: \($0.fix)", note: "")
        }
    } catch {
      return [Finding(name: "endpoint", problem: "\(settings) is no JSON: \(error)", note: "")]
    }
  }
}
