import Synchronization

/// So many of something for each person.
final class PeopleQuota: Sendable {
  private let bound: Int
  private let held = Mutex<[String: Int]>([:])

  init(_ bound: Int) { self.bound = bound }

  func take(_ person: String) -> Bool {
    held.withLock { held in
      guard held[person, default: 0] < bound else { return false }
      held[person, default: 0] += 1
      return true
    }
  }

  func give(_ person: String) {
    held.withLock { held in
      held[person, default: 1] -= 1
      if held[person] == 0 { held[person] = nil }
    }
  }
}
