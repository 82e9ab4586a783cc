import Capabilities
import Incidents
import JSON
import Secrets

/// `guard.install`: a hook that stops the next secret. A bare repository gets `pre-receive`, a clone `pre-commit`.
struct GuardInstall: EffectAction {
  let signature = ActionSignature.guardInstall
  let targets: Targets
  let files: any FileSystem
  let processes: any ProcessRunner

  func plan(_ call: ActionCall) async throws(CapabilityError) -> PlannedEffect {
    let hook = try await hook(call)
    return PlannedEffect(
      will: "write the hook \(hook.path)", target: try call.repository().rawValue, reversible: true,
      affected: ["whoever \(hook.script.isBare ? "pushes to" : "commits in") the repository"])
  }

  func perform(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> ActionResult {
    let hook = try await hook(call)
    switch try await state(of: hook) {
    case .ours: break
    case .foreign:
      throw CapabilityError(
        .conflict, "install the hook \(hook.path)", because: "another hook is there already",
        fix: "call a scanner from it, or move it away, then: staunch resume")
    case .absent:
      try await files.replace(hook.path, with: Secret(hook.script.text), under: authority)
    }
    let outcome = try await processes.run(ProcessCall(["chmod", "755", hook.path]), under: authority)
    guard outcome.status == 0 else {
      throw CapabilityError(
        .refused, "chmod 755 \(hook.path)", because: "it ended with status \(outcome.status)",
        fix: "make the hook executable by hand")
    }
    return result(hook)
  }

  func settle(
    _ call: ActionCall, phase: String, prepared: Preparation, under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) -> Settlement {
    .notDone(evidence: "writing the same hook again is harmless")
  }

  private enum State { case absent, ours, foreign }

  private func state(of hook: (path: String, script: HookScript)) async throws(CapabilityError) -> State {
    do {
      let text = try await files.read(hook.path).exposeAsText()
      return text == hook.script.text ? .ours : text.contains(HookScript.mark) ? .absent : .foreign
    } catch {
      guard error.class == .notFound else { throw error }
      return .absent
    }
  }

  private func result(_ hook: (path: String, script: HookScript)) -> ActionResult {
    ActionResult(outputs: ["installed": .list([.string(hook.path)])])
  }

  private func hook(_ call: ActionCall) async throws(CapabilityError) -> (path: String, script: HookScript) {
    let path = try targets.repository(call.repository()).path
    let isBare = try await git(path, ["rev-parse", "--is-bare-repository"]) == "true"
    let script = HookScript(isBare: isBare)
    let hook = try await git(path, ["rev-parse", "--git-path", "hooks/\(script.name)"])
    return (hook.hasPrefix("/") ? hook : path + "/" + hook, script)
  }

  private func git(_ path: String, _ arguments: [String]) async throws(CapabilityError) -> String {
    let outcome = try await processes.inspect(
      ProcessCall(["git", "-C", path] + arguments), readOnlyBecause: "git rev-parse only prints")
    guard outcome.status == 0 else {
      throw CapabilityError(
        .notFound, "git rev-parse in \(path)", because: "there is no Git repository",
        fix: "correct the path under repositories: in staunch.yaml")
    }
    return String(outcome.output.reversed().drop(while: \.isWhitespace).reversed())
  }
}
