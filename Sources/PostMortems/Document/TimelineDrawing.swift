import Chronicle
import Foundation
import Incidents

/// The timeline as shapes with finished coordinates: what the page's SVG draws.
///
/// Days of exposure and minutes of response do not fit one scale, so the time before detection has its own, on the left of
/// a visible break.
struct TimelineDrawing: Sendable {
  struct Bar: Sendable {
    let x, y, width: Int
    /// `exposed`, `fading` (between the last acceptance and the first rejection), `wait`.
    let style: String
    let title: DocumentText
  }
  struct Mark: Sendable {
    /// The upper left corner of a square of 16 units.
    let x, y: Int
    /// The id of the SVG symbol.
    let symbol: String
    let title: DocumentText
  }
  struct Lane: Sendable {
    let label: DocumentText
    let labelY, lineY: Int
  }
  /// The name of a milestone, above its mark.
  struct Label: Sendable {
    let x, y: Int
    let text: DocumentText
  }
  struct Tick: Sendable {
    let x: Int
    let label: DocumentText
    /// SVG's `text-anchor`.
    let anchor: String
  }

  let width = 960
  let plotLeft = TimelineDrawing.left
  let plotRight = TimelineDrawing.right
  let height: Int
  let axisY: Int
  let axisLabelY: Int
  let lanes: [Lane]
  let bars: [Bar]
  let marks: [Mark]
  let labels: [Label]
  let ticks: [Tick]
  /// Where the scale changes; nil when nothing is known from before the detection.
  let breakX: Int?

  private static let left = 230
  private static let middle = 370
  private static let right = 940
  private static let laneHeight = 34
  /// Room for three rows of labels above the first lane.
  private static let top = 66

  init(of record: IncidentRecord, instants: MetricInstants) {
    let end = record.events.last?.at ?? .distantPast
    let detected = instants.detected.date ?? record.events.first?.at ?? end
    let before = [instants.introduced, instants.pushed, instants.published, instants.alerted].compactMap(
      \.date
    ).min()
    let scale = Scale(first: before, detected: detected, end: end)
    var lanes: [Lane] = []
    var bars: [Bar] = []
    var marks: [Mark] = []
    func lane(_ label: String) -> Int {
      let y = TimelineDrawing.top + lanes.count * TimelineDrawing.laneHeight
      let short = label.count > 34 ? label.prefix(33) + "…" : label
      lanes.append(Lane(label: DocumentText(short), labelY: y + 4, lineY: y))
      return y
    }

    let milestones = lane("milestones")
    let known = instants.named.compactMap { named in
      named.instant.date.map { (name: named.name, meaning: named.meaning, date: $0) }
    }
    for (name, meaning, date) in known {
      marks.append(
        Mark(
          x: scale.x(date) - 8, y: milestones - 8, symbol: "milestone",
          title: DocumentText("\(name), \(meaning): \(Timestamp.text(date))")))
    }
    labels = TimelineDrawing.labels(known.map { ($0.name, scale.x($0.date)) })
    if let start = (instants.published.date ?? instants.pushed.date ?? instants.introduced.date) {
      let y = lane("exposure")
      bars += TimelineDrawing.exposure(from: start, instants, end: end, scale, y: y)
    }
    for credential in record.credentials {
      let y = lane("\(credential.credential) (\(credential.subject.rawValue))")
      for probe in credential.probes {
        marks.append(
          Mark(
            x: scale.x(probe.at) - 8, y: y - 8,
            symbol: TimelineDrawing.symbol(probe.state, credential.subject),
            title: DocumentText(
              "\(probe.state.rawValue.uppercased()) \(probe.code): \(Timestamp.text(probe.at))")))
      }
    }
    let waits = record.humanWaits
    if !waits.isEmpty {
      let y = lane("waits for people")
      for wait in waits {
        let x = scale.x(wait.from)
        bars.append(
          Bar(
            x: x, y: y - 8, width: max(3, scale.x(wait.until ?? end) - x), style: "wait",
            title: DocumentText("step \(wait.step) waited from \(Timestamp.text(wait.from))")))
      }
    }
    self.lanes = lanes
    self.bars = bars
    self.marks = marks
    ticks = scale.ticks
    breakX = before.map { $0 < detected } == true ? TimelineDrawing.middle : nil
    axisY = TimelineDrawing.top + lanes.count * TimelineDrawing.laneHeight
    axisLabelY = axisY + 20
    height = axisY + 34
  }

  /// A replacement that is accepted is as it ought to be, so it does not look like a leak that is.
  private static func symbol(_ state: CredentialState, _ subject: CredentialRecord.Subject) -> String {
    state == .alive && subject == .replacement ? "accepted" : state.rawValue
  }

  /// In the lowest of three rows where it does not touch the label to its left; several names of one place share a label.
  private static func labels(_ milestones: [(name: String, x: Int)]) -> [Label] {
    var places: [(x: Int, names: [String])] = []
    for milestone in milestones.sorted(by: { $0.x < $1.x }) {
      let name = milestone.name.replacing("t_", with: "").replacing("_", with: " ")
      if let last = places.last, milestone.x - last.x < 4 {
        places[places.count - 1].names.append(name)
      } else {
        places.append((milestone.x, [name]))
      }
    }
    var ends = [Int.min, Int.min, Int.min]
    return places.map { place in
      let text = place.names.joined(separator: ", ")
      let half = text.count * 7 / 2  // 12 px type is about 7 px wide
      let row = ends.firstIndex { $0 + 6 < place.x - half } ?? 2
      ends[row] = place.x + half
      return Label(x: place.x, y: top - 14 - row * 16, text: DocumentText(text))
    }
  }

  private static func exposure(
    from start: Date, _ instants: MetricInstants, end: Date, _ scale: Scale, y: Int
  ) -> [Bar] {
    let dead = instants.proven.date
    let certain = min(instants.lastAlive.date ?? start, dead ?? end)
    let x = scale.x(start)
    var bars = [
      Bar(
        x: x, y: y - 8, width: max(3, scale.x(max(certain, start)) - x), style: "exposed",
        title: DocumentText("exposed and accepted until \(Timestamp.text(certain))"))
    ]
    let from = scale.x(max(certain, start))
    bars.append(
      Bar(
        x: from, y: y - 8, width: max(2, scale.x(dead ?? end) - from), style: "fading",
        title: DocumentText(
          dead.map { "proven dead at \(Timestamp.text($0))" }
            ?? "not proven dead at \(Timestamp.text(end))")))
    return bars
  }

  /// Two linear pieces: before the detection and after it.
  private struct Scale {
    let first: Date?
    let detected: Date
    let end: Date

    private var start: Int {
      first.map { $0 < detected } == true ? TimelineDrawing.middle : TimelineDrawing.left
    }

    func x(_ date: Date) -> Int {
      if date < detected, let first, first < detected {
        return place(
          date, from: first, to: detected, between: TimelineDrawing.left, and: TimelineDrawing.middle)
      }
      return place(date, from: detected, to: end, between: start, and: TimelineDrawing.right)
    }

    private func place(_ date: Date, from: Date, to: Date, between low: Int, and high: Int) -> Int {
      let whole = to.timeIntervalSince(from)
      guard whole > 0 else { return low }
      let share = min(1, max(0, date.timeIntervalSince(from) / whole))
      return low + Int((Double(high - low) * share).rounded())
    }

    var ticks: [Tick] {
      var ticks = (0...4).map { part in
        let date = detected.addingTimeInterval(end.timeIntervalSince(detected) * Double(part) / 4)
        let elapsed = Duration.milliseconds(Int((date.timeIntervalSince(detected) * 1000).rounded()))
        return Tick(
          x: x(date), label: DocumentText(part == 0 ? "T+0" : "T+" + DurationText.text(elapsed)),
          anchor: part == 4 ? "end" : "middle")
      }
      if let first, first < detected {
        let elapsed = Duration.milliseconds(Int((detected.timeIntervalSince(first) * 1000).rounded()))
        ticks.insert(
          Tick(x: x(first), label: DocumentText("T−" + DurationText.text(elapsed)), anchor: "start"), at: 0)
      }
      return ticks
    }
  }
}
