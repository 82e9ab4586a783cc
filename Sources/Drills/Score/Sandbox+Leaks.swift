import Foundation
import Secrets

extension Sandbox {
  /// Looks for every secret of the drill, in every form, in files and texts.
  ///
  /// - Parameters:
  ///   - paths: files and directories that the run wrote: state, journal, post-mortems, transcripts.
  ///   - texts: name → text, for example standard output.
  /// - Returns: where one was found, as "name of the secret in place", sorted; never a value.
  public func leaks(in paths: [String], texts: [String: String] = [:]) -> [String] {
    let searches = secrets.map { name, secret in
      let redactor = Redactor()
      redactor.register(secret)
      return (name: name, redactor: redactor)
    }
    var found: Set<String> = []
    func look(_ bytes: [UInt8], _ place: String) {
      for search in searches where search.redactor.finds(in: bytes) {
        found.insert("\(search.name) in \(place)")
      }
    }
    for (name, text) in texts { look(Array(text.utf8), name) }
    for message in tickets.messages { look(Array(message.body), "ticket \(message.type)") }
    for issue in issues.issues {
      for text in issue.texts { look(Array(text.utf8), "issue \(issue.number)") }
    }
    for path in paths {
      guard let files = Self.files(below: path) else {
        found.insert("\(path) could not be listed: what is in it is not known")
        continue
      }
      for file in files {
        look(Array(file.utf8), "the file name \((file as NSString).lastPathComponent)")
        // A socket or a file that went away has no contents to look at.
        if let data = FileManager.default.contents(atPath: file) { look(Array(data), file) }
      }
    }
    return found.sorted()
  }

  /// Nil: there is a directory that cannot be listed.
  private static func files(below path: String) -> [String]? {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else { return [] }
    guard isDirectory.boolValue else { return [path] }
    guard let names = try? FileManager.default.subpathsOfDirectory(atPath: path) else { return nil }
    return names.map { "\(path)/\($0)" }.filter {
      var isDirectory: ObjCBool = false
      return FileManager.default.fileExists(atPath: $0, isDirectory: &isDirectory) && !isDirectory.boolValue
    }
  }
}
