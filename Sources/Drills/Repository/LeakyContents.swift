import Foundation
import JSON

/// What a leaky repository holds: where the values stand, and what the last commit leaves.
struct LeakyContents: Sendable {
  /// A file with values in it.
  struct File: Sendable {
    let path: String
    let text: String
    /// The line that a scanner names.
    let line: Int
    /// The kinds of the leaks that a scanner sees there.
    let kinds: [String]
  }

  /// Of the repository, its directory and its entry in staunch.yaml.
  let name: String
  /// Ordinary files of the first commit, by path.
  let ordinary: [String: String]
  /// Committed with the values, and cleaned at the end.
  let main: File
  let cleanMain: String
  /// A line that a branch adds to it.
  let experiment: String
  /// On that branch alone.
  let branchFile: File
  /// A notebook whose output shows them.
  let notebook: File
  let cleanNotebook: String
  /// Holds them as base64.
  let encoded: File
  /// Directories that the last commit removes.
  let removed: [String]
  let tagMessage: String
  let note: String
  /// Stashed, never committed.
  let stashed: (path: String, text: String)

  /// A notebook with one cell that printed the environment.
  static func notebook(_ environment: [(name: String, value: String)]) -> String {
    let shown = environment.map { "'\($0.name)': '\($0.value)'" }.joined(separator: ", ")
    let output: JSONValue = [
      "name": "stdout", "output_type": "stream", "text": [.string("environ({\(shown)})\n")],
    ]
    let cell: JSONValue = [
      "cell_type": "code", "execution_count": 1, "metadata": [:],
      "source": ["import os\n", "print(os.environ)"],
      "outputs": [output],
    ]
    let notebook: JSONValue = ["cells": [cell], "metadata": [:], "nbformat": 4, "nbformat_minor": 5]
    return notebook.canonicalText + "\n"
  }

  /// A Secret's manifest.
  static func manifest(_ name: String, _ values: [(key: String, value: String)]) -> String {
    let data = values.map { "  \($0.key): \(Data($0.value.utf8).base64EncodedString())\n" }.joined()
    return """
      apiVersion: v1
      kind: Secret
      metadata:
        name: \(name)
      type: Opaque
      data:
      \(data)
      """
  }
}
