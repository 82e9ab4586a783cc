import Foundation

/// Measures the engine against raw SQLite commits made in the same run, on the same disk:
/// `step-engine DIRECTORY [STEPS [ITEMS]]` (default 1,000 steps per round, five rounds, in pairs; 100,000 items).
///
/// 1. engine overhead: steps with INTENT and OUTCOME against the same number of commits by SQLite alone;
/// 2. a playbook of 10,000 steps: load, lint, plan;
/// 3. memory over loops of a tenth of ITEMS and of ITEMS items. With DIRECTORY in memory (/dev/shm) the disk does not
///    slow this part down; what the engine keeps is the same.
@main
struct StepEngine {
  static func main() async {
    guard CommandLine.arguments.count >= 2 else {
      print("usage: step-engine DIRECTORY [STEPS [ITEMS]]")
      exit(2)
    }
    let directory = CommandLine.arguments[1]
    let steps = CommandLine.arguments.dropFirst(2).first.flatMap(Int.init) ?? 1000
    let most = CommandLine.arguments.dropFirst(3).first.flatMap(Int.init) ?? 100_000
    do {
      var ratios: [Double] = []
      for round in 1...5 {
        let raw = try RawCommits.seconds(count: steps * 2, at: "\(directory)/raw-\(round).sqlite")
        let ours = try await MeasuredRun.steps(steps, in: "\(directory)/steps-\(round)")
        ratios.append(ours / raw)
        say(
          "steps \(steps): engine \(milliseconds(ours)) ms, raw \(milliseconds(raw)) ms, ratio \(ours / raw)")
      }
      say("engine / raw commits: median \(ratios.sorted()[2])")
      try await MeasuredRun.plan(steps: 10_000, in: "\(directory)/plan")
      for items in [most / 10, most] {
        let seconds = try await MeasuredRun.items(items, in: "\(directory)/items-\(items)")
        say("items \(items): \(seconds) s")
      }
    } catch {
      print("error: \(error)")
      exit(1)
    }
  }

  /// A line at once, also into a file: such a run may take an hour.
  static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

  static func milliseconds(_ seconds: Double) -> Int { Int(seconds * 1000) }

  /// What the process holds now, and the most since ``forgetPeak()``, in MB. Source: proc(5), `/proc/self/status`.
  static func memory() -> (now: Int, peak: Int) {
    guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return (0, 0) }
    func megabytes(_ name: String) -> Int {
      let line = text.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
      return (line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) / 1024
    }
    return (megabytes("VmRSS:"), megabytes("VmHWM:"))
  }

  /// Source: proc(5), `/proc/self/clear_refs`: 5 resets the peak.
  static func forgetPeak() throws { try Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs")) }
}
