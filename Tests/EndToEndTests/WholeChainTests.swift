import Secrets
@testable import Drills
import Foundation
import JSON
import TestSupport
import Testing

/// The value of the program is the chain: finding → contained → proven dead → history clean → ticket → post-mortem.
@Suite struct WholeChainTests {
  @Test
  func
    `one report is contained, proven dead, cleaned, ticketed and written up, and nothing leaks, not even into the debug log`()
    async throws
  {
    let world = try await LiveWorld(logLevel: "trace")
    let (responded, plans) = try await world.respond()
    #expect(responded.status == 0, "\(responded.errors)")
    #expect(Set(plans.map(\.kind)) == ["openai_api_key", "postgres_uri"])
    var outputs = [responded.output, responded.errors]
    // By hand, one after the other: the first one's history waits until the second credential is dead.
    for (plan, status) in [(plans[0], 75), (plans[1], 0), (plans[0], 0)] as [(LiveWorld.Planned, Int32)] {
      let ran = try await world.run(plan, [])
      outputs += [ran.output, ran.errors]
      #expect(ran.status == status, "\(plan.kind): \(ran.errors) \(ran.output.suffix(2000))")
    }
    let seen = try await world.sandbox.observe()
    #expect(seen.acceptedLeaks == [])
    #expect(seen.brokenReplacements == [])
    #expect(seen.isConsumerHealthy)
    #expect(seen.isOldSessionOpen == false)
    #expect(seen.isUnrelatedKeyAccepted)
    #expect(seen.replacementKeys == 1)
    #expect(seen.copies.filter { $0.key != "local" } == [:])
    for plan in plans {
      #expect(
        seen.tickets[plan.incident] == ["incident.opened", "incident.contained", "incident.closed"],
        "\(seen.tickets)")
    }
    for arguments in [
      ["status"], ["status", "--json"], ["incidents"], ["journal", "verify"], ["journal", "export"],
    ] {
      let shown = try await world.binary.run(arguments)
      #expect(shown.status == 0, "\(arguments): \(shown.errors)")
      outputs += [shown.output, shown.errors]
    }
    for plan in plans {
      let shown = try await world.binary.run(["show", plan.incident])
      #expect(shown.output.contains("DEAD"))
      outputs += [shown.output, shown.errors]
      let draft = world.home + "/state/postmortems/\(plan.incident).md"
      let lint = try await world.binary.run(["postmortem", "lint", draft])
      #expect(lint.status == 0, "\(lint.output)")
    }
    #expect(try world.shim.calls() > 0)
    for line in [
      " info file: reads /", " info journal: /", " info lock: run-", " info run: run-",
      " debug http: GET 127.0.0.1:",
      " debug process: git -C /", " debug postgres: login of ", " trace postgres: SELECT ",
    ] { #expect(outputs.contains { $0.contains(line) }, "no line\(line)… in the debug log") }
    #expect(try world.leaks(outputs: outputs) == [])
    await world.stop()
  }

  @Test func `respond and plan change nothing outside the journal`() async throws {
    let world = try await LiveWorld()
    let files = try FileListing(world.root.path, except: ["home", "shim-records"])
    let transactions = try await world.transactions()
    let keys = try world.training().openAI.keyNames
    let (responded, plans) = try await world.respond()
    #expect(responded.status == 0, "\(responded.errors)")
    #expect(plans.count == 2)
    for plan in plans {
      #expect(try await world.binary.run(["run", plan.plan]).status == 0)
      #expect(try await world.binary.run(["run", plan.plan, "--json"]).status == 0)
    }
    #expect(
      try FileListing(world.root.path, except: ["home", "shim-records"]).differences(from: files) == [])
    #expect(try await world.transactions() == transactions)
    #expect(try world.training().openAI.keyNames == keys)
    #expect(try world.training().openAI.unsafeRequests == 0)
    #expect(world.sandbox.tickets.messages.isEmpty)
    #expect(world.sandbox.issues.issues.isEmpty)
    let state = try FileManager.default.contentsOfDirectory(atPath: world.home)
    #expect(state == ["state"])
    await world.stop()
  }

  @Test func `a comment of the .env file that holds the leaked value is in the plan, and holds it no longer`()
    async throws
  {
    let world = try await LiveWorld()
    let file = world.sandbox.files.environmentFile
    let leaked = try #require(world.sandbox.secrets["leaked postgres_uri"]).exposeAsText()
    let before = try String(contentsOfFile: file, encoding: .utf8)
    try (before + "# DB_PASSWORD=\(leaked)\n").write(toFile: file, atomically: false, encoding: .utf8)
    let (responded, plans) = try await world.respond()
    #expect(responded.status == 0, "\(responded.errors)")
    let plan = try #require(plans.first { $0.kind == "postgres_uri" })
    let shown = try await world.binary.run(["run", plan.plan])
    #expect(shown.output.contains("the comments in "), "\(shown.output)")
    let ran = try await world.run(plan)
    #expect(ran.status == 0, "\(ran.errors) \(ran.output.suffix(2000))")
    let after = try String(contentsOfFile: file, encoding: .utf8)
    #expect(!after.contains(leaked) && after.contains("# DB_PASSWORD=REMOVED"), "the comment is not clean")
    await world.stop()
  }

  @Test func `the same report again makes no second incident`() async throws {
    let world = try await LiveWorld()
    _ = try await world.respond()
    let (again, plans) = try await world.respond()
    #expect(again.status == 0)
    let listed = try await world.binary.run(["incidents", "--json"])
    let document = try JSONDecoder().decode(JSONValue.self, from: Data(listed.output.utf8))
    #expect(document["incidents"]?.array?.count == 2)
    #expect(plans.count == 2)
    await world.stop()
  }
}
