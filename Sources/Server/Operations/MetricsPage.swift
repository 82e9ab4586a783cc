import JSON

/// Writes Prometheus' text format. Source: prometheus.io, exposition formats.
struct MetricsPage {
  private(set) var text = ""

  mutating func family(_ name: String, _ type: String, _ help: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
  }

  mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Double) {
    let inner = labels.map { "\($0.0)=\"\(MetricsPage.escaped($0.1))\"" }.joined(separator: ",")
    let number = value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    text += name + (inner.isEmpty ? "" : "{\(inner)}") + " \(number)\n"
  }

  mutating func histogram(_ name: String, _ help: String, _ histogram: ReceiverMetrics.Histogram) {
    family(name, "histogram", help)
    var sum = 0
    for (bound, count) in zip(ReceiverMetrics.Histogram.bounds, histogram.counts) {
      sum += count
      sample("\(name)_bucket", [("le", "\(bound)")], Double(sum))
    }
    sum += histogram.counts[ReceiverMetrics.Histogram.bounds.count]
    sample("\(name)_bucket", [("le", "+Inf")], Double(sum))
    sample("\(name)_sum", [], histogram.sum)
    sample("\(name)_count", [], Double(sum))
  }

  /// The worker's counts: `{"incidents": {"state": {"open": 3}}}` becomes `staunch_incidents_by_state{state="open"} 3`. A member
  /// with `buckets` (bound to cumulative count), `sum` and `count` is a histogram.
  mutating func summary(_ document: JSONValue) {
    for (name, member) in (document.object ?? [:]).sorted(by: { $0.key < $1.key })
    where MetricsPage.isName(name) {
      let family = "staunch_" + name
      if let buckets = member["buckets"]?.object {
        self.family(family, "histogram", "Published by the worker.")
        let bounds = buckets.compactMap { entry in Double(entry.key).map { ($0, entry.key, entry.value) } }
        for (_, word, count) in bounds.sorted(by: { $0.0 < $1.0 }) {
          // What is no number is left out: 0 would be an answer.
          if let count = MetricsPage.number(count) { sample("\(family)_bucket", [("le", word)], count) }
        }
        let count = member["count"].flatMap(MetricsPage.number)
        if let count { sample("\(family)_bucket", [("le", "+Inf")], count) }
        if let sum = member["sum"].flatMap(MetricsPage.number) { sample("\(family)_sum", [], sum) }
        if let count { sample("\(family)_count", [], count) }
      } else if let value = MetricsPage.number(member) {
        self.family(family, "gauge", "Published by the worker.")
        sample(family, [], value)
      } else {
        samples(of: member, family: family)
      }
    }
  }

  private mutating func samples(of member: JSONValue, family: String) {
    for (label, values) in (member.object ?? [:]).sorted(by: { $0.key < $1.key })
    where MetricsPage.isName(label) {
      guard let values = values.object else { continue }
      self.family("\(family)_by_\(label)", "gauge", "Published by the worker.")
      for (word, value) in values.sorted(by: { $0.key < $1.key }) {
        if let value = MetricsPage.number(value) { sample("\(family)_by_\(label)", [(label, word)], value) }
      }
    }
  }

  private static func number(_ value: JSONValue) -> Double? {
    switch value {
    case .integer(let value): Double(value)
    case .number(let value): value
    case .null, .boolean, .string, .array, .object: nil
    }
  }

  private static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x5F }
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }
}
