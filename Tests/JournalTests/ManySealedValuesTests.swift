import Capabilities
import Incidents
import JSON
import Journal
import Testing

@testable import Secrets

/// A storm seals thousands of values, and every command that writes opens the journal.
@Suite struct ManySealedValuesTests {
  @Test func `opening for writing spells no sealed value, and each is hidden all the same`() throws {
    let rig = try JournalRig()
    let values = (0..<200).map { "pg-" + "passw0rd\($0 + 1000)-tail" }
    let first = try rig.open()
    for (number, value) in values.enumerated() {
      try first.seal(
        [SecretRef("leaked-\(number)"): Secret(value)], under: .incident(IncidentID("inc-\(number)")),
        purpose: "leaked")
    }
    try first.close()

    let redactor = Redactor()
    let journal = try rig.open(JournalSettings(redactor: redactor))
    #expect(journal.valuesUnknownToRedactor == 0)
    #expect(redactor.unmetCount == values.count)
    try journal.append(.noted, ["text": "nobody's value"])
    #expect(redactor.unmetCount == values.count)
    for value in [values[0], values[199]] {
      let event = try journal.append(.noted, ["text": .string("it is \(value), I believe")])
      #expect(event.body["text"] == "it is [REDACTED], I believe")
    }
    #expect(redactor.unmetCount == values.count - 2)
  }
}
