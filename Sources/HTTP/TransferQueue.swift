/// Who goes next: for each server in the order of asking, servers in turn, never more at once than a server and this process
/// bear. A server where nothing is under way gets a place beyond that: some that are silent hold up no other.
///
/// A thousand questions at once would else be a thousand connections: more than the descriptors of a process, and a flood that
/// servers answer with refusals.
struct TransferQueue<Element> {
  /// Those that wait for one server, and how many of it are under way.
  private struct Line {
    var running = 0
    private var front: [Element] = []  // the last is next
    private var back: [Element] = []

    var isEmpty: Bool { front.isEmpty && back.isEmpty }

    mutating func append(_ element: Element) { back.append(element) }

    mutating func popFirst() -> Element? {
      if front.isEmpty {
        front = back.reversed()
        back = []
      }
      return front.popLast()
    }
  }

  private let mostAtOne: Int
  private let mostInAll: Int
  private var running = 0
  private var lines: [String: Line] = [:]
  /// The servers that somebody waits for, each once.
  private var turns: [String] = []

  /// - Parameters:
  ///   - mostAtOne: under way at one server, from 1.
  ///   - mostInAll: under way, from 1; as many more may be the first at their server.
  init(mostAtOne: Int, mostInAll: Int) {
    self.mostAtOne = mostAtOne
    self.mostInAll = mostInAll
  }

  mutating func add(_ element: Element, for server: String) {
    if lines[server, default: Line()].isEmpty { turns.append(server) }
    lines[server, default: Line()].append(element)
  }

  /// Gives the next one a place, which it has until ``end(at:)``. - Returns: nil when nobody waits or there is no place.
  mutating func next() -> Element? {
    guard running < 2 * mostInAll else { return nil }
    let most = running < mostInAll ? mostAtOne : 1
    for (index, server) in turns.enumerated() {
      guard let line = lines[server], line.running < most, let element = lines[server]?.popFirst() else {
        continue
      }
      turns.remove(at: index)
      if lines[server]?.isEmpty == false { turns.append(server) }
      lines[server]?.running += 1
      running += 1
      return element
    }
    return nil
  }

  /// Gives a place back.
  mutating func end(at server: String) {
    running -= 1
    lines[server]?.running -= 1
    if let line = lines[server], line.running == 0, line.isEmpty { lines[server] = nil }
  }

  /// Takes out everybody who waits.
  mutating func removeAll() -> [Element] {
    var all: [Element] = []
    for server in turns {
      while let element = lines[server]?.popFirst() { all.append(element) }
    }
    turns = []
    return all
  }
}
