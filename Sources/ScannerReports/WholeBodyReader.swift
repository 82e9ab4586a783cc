import Foundation
import Incidents
import JSON

/// Reads a platform's message of bounded length, plain or as the `payload` of a form: an object, a list of them, or several
/// lists one after the other (`gh api --paginate`). One that cannot be read does not cost the others.
struct WholeBodyReader: ReportReader {
  /// GitHub's own bound; nothing larger is delivered.
  static let maximumBytes = 25 << 20

  let context: ReportContext
  /// The items of one object.
  let items: @Sendable (JSONValue) throws(RecordProblem) -> [RecordItem]
  private var body: [UInt8] = []

  init(
    context: ReportContext, items: @escaping @Sendable (JSONValue) throws(RecordProblem) -> [RecordItem]
  ) {
    self.context = context
    self.items = items
  }

  var scannedDirectories: [String] { context.scannedDirectories }

  mutating func feed(_ piece: ArraySlice<UInt8>) throws(ReportError) -> [ReportItem] {
    guard body.count + piece.count <= WholeBodyReader.maximumBytes else {
      throw ReportError(
        .tooLarge, at: context.options.sourceName,
        because: "the message is longer than \(WholeBodyReader.maximumBytes) bytes",
        fix: "give the report as a file to staunch respond")
    }
    body += piece
    return []
  }

  mutating func finish() throws(ReportError) -> [ReportItem] {
    let message = body.starts(with: "payload=".utf8) ? WholeBodyReader.formValue(body.dropFirst(8)) : body
    body = []
    var reader = JSONSalvageReader(JSONFraming.list.paths, limits: context.options.limits)
    var found: [ReportItem] = []
    var text = TextLines()
    for item in reader.feed(message[...]) + reader.finish() {
      switch item {
      case .record(let record), .embedded(let record):
        guard record.value != .null else { continue }
        found += RecordItem.each([record.value], items).compactMap { $0.placed(at: record.position, context) }
      case .text(let line): text.add(line)
      case .damaged(let error, let isRest): found.append(.malformed(UnreadRecord(error, isRest: isRest)))
      }
    }
    guard reader.hasSeenRecords || !found.isEmpty else {
      throw ReportError(
        .malformed, at: context.options.sourceName, because: "the message holds no object",
        fix: "leave --format out, or name the report's own format")
    }
    return found + text.items
  }

  /// Undoes application/x-www-form-urlencoded (URL standard §5.1) up to the next `&`.
  private static func formValue(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    var rest = bytes.prefix { $0 != 0x26 }
    while let byte = rest.popFirst() {
      if byte == 0x2B {
        result.append(0x20)
      } else if byte == 0x25, rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        result.append(value)
        rest = rest.dropFirst(2)
      } else {
        result.append(byte)
      }
    }
    return result
  }
}
