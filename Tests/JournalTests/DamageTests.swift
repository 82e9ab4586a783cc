import Foundation
import Incidents
import JSON
import Journal
import TestSupport
import Testing

/// A damaged journal is evidence: it is found before anything is written to it.
@Suite struct DamageTests {
  @Test func `A damaged journal is refused before the first write, with the command that recovers it`() throws
  {
    let rig = try JournalRig()
    let journal = try rig.open()
    for number in 1...500 { try journal.append(.noted, ["text": .string("note number \(number)")]) }
    try journal.close()
    var bytes = try Data(contentsOf: URL(fileURLWithPath: rig.path))
    // Only pages in the middle: the header, the schema and the newest events can still be read.
    for page in (bytes.count / 4096 / 2)..<(bytes.count / 4096 / 2 + 4) {
      bytes.replaceSubrange((page * 4096)..<(page * 4096 + 512), with: Data(repeating: 0xA5, count: 512))
    }
    try bytes.write(to: URL(fileURLWithPath: rig.path))
    let found = #expect(throws: JournalError.self) { try rig.open() }
    #expect(found?.code == .corrupt)
    #expect(found?.fix?.contains(".recover") == true)
    #expect(try Data(contentsOf: URL(fileURLWithPath: rig.path)) == bytes)
  }
}
