import Foundation
import Secrets

@testable import SecretStores

/// Reads any bytes as an `.env` file, then changes one variable and everything else that holds its old value.
///
/// The input is the new value up to a zero byte, and the file. What must hold: a file that is only read is as it was, what
/// is written reads back in every assignment, and no place is replaced in part.
/// Shared by `Benchmarks/fuzz/run` and by the test that replays its corpus.
struct FuzzTarget: Sendable {
  struct Fault: Error, CustomStringConvertible { let description: String }

  init(directory: String) throws {}

  func exercise(_ bytes: [UInt8]) throws {
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    let value = parts.count == 2 && !parts[0].isEmpty ? Array(parts[0]) : Array("n3w value'\"$\\\n`".utf8)
    let text = Array(parts.last ?? [])
    let before = EnvFile(text)
    guard before.bytes == text else {
      throw Fault(description: "a file that is only read comes back changed")
    }
    let entries = before.entries
    try set("NEW_VARIABLE", to: value, in: before)
    if let first = entries.first { try set(first.key, to: value, in: before) }
    for entry in entries.prefix(4) { try copies(of: entry.value, by: value, in: entry) }
  }

  private func set(_ key: String, to value: [UInt8], in before: EnvFile) throws {
    guard !value.contains(0) else { return }
    var file = before
    file.set(key, to: value, mark: "run-1")
    let after = EnvFile(file.bytes)
    // EnvFileStore writes nothing that does not read back (`unsafe`); then the file stays as it is.
    guard after.value(of: key) == value, after.keeps(before, besides: [key]) else { return }
    guard after.mark(of: key) == "run-1" else { throw Fault(description: "the mark does not read back") }
    let left = after.entries.filter { $0.key == key }.map(\.value)
    guard left.allSatisfy({ $0 == value }) else {
      throw Fault(description: "an assignment kept the old value")
    }
  }

  private func copies(of old: [UInt8], by new: [UInt8], in entry: EnvFile.Entry) throws {
    let copy = CredentialCopy(
      name: entry.key, text: Array("postgres://app:".utf8) + old + Array("@db/x".utf8))
    for copy in [copy, CredentialCopy(name: entry.key, text: entry.value)] {
      let holding = copy.holding(old)
      guard holding == .replaceable else { continue }
      guard let whole = copy.replacing(old, with: Array("plainSuccessor1".utf8)) else {
        throw Fault(description: "what can be replaced was not")
      }
      guard
        CredentialCopy(name: entry.key, text: whole).holding(old) == .nothing
          || Array("plainSuccessor1".utf8).firstRange(of: old) != nil
      else { throw Fault(description: "the old value is left beside the new one") }
      _ = copy.replacing(old, with: new)
    }
  }
}
