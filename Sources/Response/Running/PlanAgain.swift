import Capabilities
package import Execution
import Incidents
import JSON
package import Journal
package import Playbooks
import Secrets

extension Plan {
  /// The command that makes it anew.
  package var planCommand: String {
    if let incident { return "staunch plan \(incident)" }
    let given = inputs.sorted { $0.key < $1.key }.compactMap { name, value in
      value.typed.map { "--input \(PlanMaker.shellWord("\(name)=\($0)"))" }
    }
    return (["staunch plan \(playbook)"] + given).joined(separator: " ")
  }

  /// Refuses, once and for all, to go on with another playbook than the one that was planned, and writes that down: what is
  /// shown as the next command is a new plan from then on.
  package func checkNoted(_ playbook: Playbook, in journal: Journal) throws {
    do throws(ExecutionError) { try check(playbook) } catch {
      guard error.code == .plan else { throw error }
      let changed = playbook.pins.first { pins[$0.id] != $0.sha256 }
      try journal.append(
        .driftFound, run: run, incident: incident,
        [
          "what": .string("the playbook \(self.playbook)"), "playbook": .string(self.playbook.rawValue),
          "expected": .string(changed.flatMap { pins[$0.id] } ?? ""),
          "found": .string(changed?.sha256 ?? ""),
        ])
      throw Refusal(
        .invalidInput, error.operation, because: error.because,
        fix: "put it back as it was and give the same command again, or plan again: \(planCommand)")
    }
  }
}

extension Value {
  /// As it is written behind `--input name=`; nil: it cannot be.
  fileprivate var typed: String? {
    switch self {
    case .string(let text), .url(let text): text
    case .integer(let number): String(number)
    case .boolean(let isTrue): String(isTrue)
    case .timestamp(let date): Timestamp.text(date)
    case .duration(let duration): "\(duration.components.seconds)s"
    case .secret(let handle): handle.rawValue
    case .credential(let name): name.rawValue
    case .store(let name): name.rawValue
    case .consumer(let name): name.rawValue
    case .repository(let name): name.rawValue
    case .tracker(let name): name.rawValue
    case .incident(let id): id.rawValue
    case .list(let values):
      values.isEmpty || values.contains { $0.typed == nil }
        ? nil : values.compactMap(\.typed).joined(separator: ",")
    case .null, .unknown, .record: nil
    }
  }
}
