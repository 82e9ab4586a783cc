import Foundation
import Incidents
import JSON

/// Reads a platform's message, which is one JSON text of bounded length, plain or as the `payload` of a form.
struct WholeBodyReader: ReportReader {
  /// GitHub's own bound; nothing larger is delivered.
  static let maximumBytes = 25 << 20

  let context: ReportContext
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
        fix: "send the report as a file: staunch respond REPORT")
    }
    body += piece
    return []
  }

  mutating func finish() throws(ReportError) -> [ReportItem] {
    let text = body.starts(with: "payload=".utf8) ? WholeBodyReader.formValue(body.dropFirst(8)) : body
    body = []
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: text, limits: context.options.limits)
    } catch {
      throw ReportError(error, context)
    }
    do throws(RecordProblem) {
      return try items(value).map { item in
        switch item {
        case .finding(var finding):
          finding.location = finding.location.map(context.settled)
          return .finding(finding)
        case .setAside(let reason): return .setAside(UnreadRecord(line: 1, column: 1, because: reason))
        }
      }
    } catch {
      return [.malformed(UnreadRecord(line: 1, column: 1, because: error.because))]
    }
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
