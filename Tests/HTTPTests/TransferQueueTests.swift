import Testing

@testable import HTTP

@Suite struct TransferQueueTests {
  private func drain(_ queue: inout TransferQueue<String>) -> [String] {
    var all: [String] = []
    while let next = queue.next() { all.append(next) }
    return all
  }

  @Test func `each server's requests go in their order, the servers in turn`() {
    var queue = TransferQueue<String>(mostAtOne: 9, mostInAll: 9)
    for name in ["a1", "a2", "a3", "b1", "c1", "c2"] { queue.add(name, for: String(name.prefix(1))) }
    #expect(drain(&queue) == ["a1", "b1", "c1", "a2", "c2", "a3"])
    #expect(queue.next() == nil)
  }

  @Test func `a full server holds up no other, and a place that is free is taken`() {
    var queue = TransferQueue<String>(mostAtOne: 2, mostInAll: 9)
    for name in ["a1", "a2", "a3", "a4", "b1"] { queue.add(name, for: String(name.prefix(1))) }
    #expect(drain(&queue) == ["a1", "b1", "a2"])
    queue.end(at: "b")
    #expect(queue.next() == nil)
    queue.end(at: "a")
    #expect(drain(&queue) == ["a3"])
    queue.add("a5", for: "a")
    queue.end(at: "a")
    queue.end(at: "a")
    #expect(drain(&queue) == ["a4", "a5"])
  }

  @Test func `there are never more in all than allowed`() {
    var queue = TransferQueue<String>(mostAtOne: 2, mostInAll: 3)
    for name in ["a1", "a2", "b1", "b2", "c1"] { queue.add(name, for: String(name.prefix(1))) }
    #expect(drain(&queue) == ["a1", "b1", "c1"])
    queue.end(at: "c")
    #expect(drain(&queue) == ["a2"])
    #expect(queue.removeAll() == ["b2"])
    for server in ["a", "a", "b"] { queue.end(at: server) }
    #expect(queue.next() == nil)
    queue.add("c2", for: "c")
    #expect(queue.next() == "c2")
  }

  @Test func `some silent servers hold up no other: the first of each goes, within bounds`() {
    var queue = TransferQueue<String>(mostAtOne: 2, mostInAll: 4)
    for name in ["a1", "a2", "a3", "b1", "b2", "b3"] { queue.add(name, for: String(name.prefix(1))) }
    #expect(drain(&queue) == ["a1", "b1", "a2", "b2"])
    for name in ["c1", "c2", "d1", "e1", "f1", "g1"] { queue.add(name, for: String(name.prefix(1))) }
    #expect(drain(&queue) == ["c1", "d1", "e1", "f1"])
    queue.end(at: "c")
    #expect(drain(&queue) == ["g1"])
    queue.end(at: "a")
    #expect(drain(&queue) == ["c2"])
  }
}
