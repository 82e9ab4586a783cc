import Capabilities
import JSON
import Secrets

/// Which run wrote which value of a file, in `.FILE.rotated-by` beside it: the version of a value, of which no hash may stand
/// anywhere. It is written last, so a crash before it leaves a value that the repetition finds in place.
struct WriterMarks: Sendable {
  private let path: String
  private let files: any FileSystem

  init(of path: String, _ files: any FileSystem) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    self.path = (parts.dropLast() + [".\(parts.last ?? "").rotated-by"]).joined(separator: "/")
    self.files = files
  }

  /// Key → marker.
  func read() async throws(CapabilityError) -> [String: String] {
    guard await files.exists(path) else { return [:] }
    let text = try await files.read(path).exposeAsBytes()
    do { return (try JSONValue(parsing: text).object ?? [:]).compactMapValues(\.string) } catch {
      throw CapabilityError(
        .unsupported, "read \(path)", because: "it is not what was written there",
        fix: "see who wrote it, and remove it")
    }
  }

  func add(_ marker: String, for keys: [String], under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    let known = try await read()
    var marks = known
    for key in keys { marks[key] = marker }
    guard marks != known else { return }
    let text = JSONValue.object(marks.mapValues { .string($0) }).canonicalText
    try await files.replace(path, with: Secret(text), under: authority)
  }
}
