import Capabilities
import Incidents
import Secrets

/// The values that a new one succeeds in a store, and everything in the stores of staunch.yaml that still holds them: what
/// reads those entries fails when the old value is dead.
struct FormerValues {
  let targets: Targets
  let store: StoreName
  let key: String
  let values: [Secret]
  /// Every entry of the same credential: none of them follows another one.
  private let own: Set<String>

  /// The leaked values that the step names (`replaces`), and what the store holds now.
  ///
  /// - Parameters:
  ///   - countsLeaked: false for a part that no leaked value is one of (an id beside its secret).
  ///   - own: the entries of the credential, where its parts are kept apart.
  init(
    _ call: ActionCall, _ targets: Targets, store: StoreName, key: String, new: Secret? = nil,
    countsLeaked: Bool = true, own: Set<String> = []
  ) async throws(CapabilityError) {
    self.targets = targets
    self.store = store
    self.key = key
    self.own = own.subtracting([key])
    var values = call.known("replaces") == nil || !countsLeaked ? [] : try await call.secrets("replaces")
    let place = try targets.store(store)
    if place.canBeRead, try await place.currentVersion(key) != nil {
      values.append(try await place.read(key))
    }
    self.values = values.filter { value in
      !value.exposeAsBytes().isEmpty && new.map { !value.isSame(as: $0) } ?? true
    }
  }

  /// Entries of the step's store that are another credential's own: that their value is the same is their owner's business.
  var spared: Set<String> {
    let others = targets.credentials.values.filter { $0.store == store }
    return Set(others.flatMap { $0.keys.isEmpty ? [$0.key] : Array($0.keys.values) }).union(own).subtracting([
      key
    ])
  }

  /// An entry, by its store and key, with what becomes of it.
  struct Holder {
    let name: String
    /// It is in the step's own store and can be written along.
    let follows: Bool
    /// No program reads it.
    let isRemark: Bool
  }

  /// Every entry that holds one of the values, besides the key itself. - Returns: also the stores that cannot be asked.
  func holders() async throws(CapabilityError) -> (holders: [Holder], unread: [String]) {
    var holders: [Holder] = []
    var unread: [String] = []
    guard !values.isEmpty else { return ([], []) }
    for (name, place) in targets.stores.sorted(by: { $0.key < $1.key }) {
      do throws(CapabilityError) {
        for copy in try await place.copies(of: values, besides: name == store ? key : nil)
        where name != store || !own.contains(copy.key) {
          if case .unread(let because) = copy.kind {
            unread.append("whether \(copy.key) in \(name) holds the leaked value: \(because)")
            continue
          }
          holders.append(
            Holder(
              name: "\(copy.key) in \(name)",
              follows: name == store && copy.canFollow && !spared.contains(copy.key),
              isRemark: copy.kind == .remark))
        }
      } catch {
        guard name != store else { throw error }
        unread.append("whether \(name) holds the leaked value: \(error.because)")
      }
    }
    return (holders, unread)
  }

  /// What to show in a plan.
  func planned() async throws(CapabilityError) -> (affected: [String], cannotPredict: [String]) {
    let (holders, unread) = try await holders()
    return (holders.map(Self.line), unread)
  }

  private static func line(_ holder: Holder) -> String {
    let what = "\(holder.name), which \(holder.isRemark ? "hold" : "holds") the old value too"
    switch (holder.follows, holder.isRemark) {
    case (true, false): return "\(what): it is written along"
    case (true, true): return "\(what): it is taken out"
    case (false, false):
      return "\(what) and is NOT written along: what reads it fails; change it by hand"
    case (false, true): return "\(what), and it is NOT taken out: do it by hand"
    }
  }

  /// What to put out after the new value was stored: `followed` and `still_old`.
  ///
  /// - Parameter before: the entries that held the old value until then.
  func outputs(before: [Holder]) async throws(CapabilityError) -> [String: Value] {
    let (after, unread) = try await holders()
    let left = Set(after.map(\.name))
    return [
      "followed": .list(before.map(\.name).filter { !left.contains($0) }.map { .string($0) }),
      "still_old": .list((after.map(\.name) + unread.map { "unknown: \($0)" }).map { .string($0) }),
    ]
  }
}
