public import Incidents
public import Secrets

/// What the names in a playbook stand for: the adapters and repositories of staunch.yaml, built once.
public struct Targets: Sendable {
  /// A credential with the place for its replacement.
  public struct Credential: Sendable {
    public let provider: any CredentialProvider
    /// Where its replacement is kept; nil when a person takes it.
    public let store: StoreName?
    /// Its name in the store.
    public let key: String
    /// Field → name in the store, where its parts are kept apart; empty: all of it is one text, under ``key``.
    public let keys: [String: String]
    /// The programs that use it.
    public let consumers: [ConsumerName]

    public init(
      provider: any CredentialProvider, store: StoreName?, key: String, keys: [String: String] = [:],
      consumers: [ConsumerName] = []
    ) {
      self.provider = provider
      self.store = store
      self.key = key
      self.keys = keys
      self.consumers = consumers
    }
  }

  /// A local clone whose history is cleaned.
  public struct Repository: Sendable, Hashable {
    /// Absolute.
    public let path: String
    /// The remote that is pushed to; nil: nothing is pushed.
    public let remote: String?

    public init(path: String, remote: String?) {
      self.path = path
      self.remote = remote
    }
  }

  public var credentials: [CredentialName: Credential]
  public var stores: [StoreName: any SecretStore]
  public var consumers: [ConsumerName: any Consumer]
  public var repositories: [RepositoryName: Repository]
  public var trackers: [TrackerName: any TicketSystem]

  public init(
    credentials: [CredentialName: Credential] = [:], stores: [StoreName: any SecretStore] = [:],
    consumers: [ConsumerName: any Consumer] = [:], repositories: [RepositoryName: Repository] = [:],
    trackers: [TrackerName: any TicketSystem] = [:]
  ) {
    self.credentials = credentials
    self.stores = stores
    self.consumers = consumers
    self.repositories = repositories
    self.trackers = trackers
  }

  /// - Throws: `.configuration` when staunch.yaml has no such entry; so do the others.
  public func credential(_ name: CredentialName) throws(CapabilityError) -> Credential {
    guard let found = credentials[name] else { throw missing(name, in: "credentials") }
    return found
  }

  public func store(_ name: StoreName) throws(CapabilityError) -> any SecretStore {
    guard let found = stores[name] else { throw missing(name, in: "stores") }
    return found
  }

  public func consumer(_ name: ConsumerName) throws(CapabilityError) -> any Consumer {
    guard let found = consumers[name] else { throw missing(name, in: "consumers") }
    return found
  }

  public func repository(_ name: RepositoryName) throws(CapabilityError) -> Repository {
    guard let found = repositories[name] else { throw missing(name, in: "repositories") }
    return found
  }

  public func tracker(_ name: TrackerName) throws(CapabilityError) -> any TicketSystem {
    guard let found = trackers[name] else { throw missing(name, in: "trackers") }
    return found
  }

  /// Every entry of every store that holds one of `values`, as `KEY in STORE`; a store that cannot be asked is named, too.
  public func holders(of values: [Secret]) async -> [String] {
    var found: [String] = []
    let values = values.filter { !$0.isEmpty }
    guard !values.isEmpty else { return [] }
    for (name, store) in stores.sorted(by: { $0.key < $1.key }) {
      do throws(CapabilityError) {
        for copy in try await store.copies(of: values, besides: nil) {
          switch copy.kind {
          case .value, .remark: found.append("\(copy.key) in \(name)")
          case .unread(let because):
            found.append("unknown: whether \(copy.key) in \(name) holds the leaked value: \(because)")
          }
        }
      } catch { found.append("unknown: whether \(name) holds the leaked value: \(error.because)") }
    }
    return found
  }

  private func missing<Subject>(_ name: Name<Subject>, in section: String) -> CapabilityError {
    CapabilityError(
      .configuration, "find \"\(name)\"", because: "staunch.yaml has no such entry under \(section)",
      fix: "add it under \(section):, then: staunch doctor")
  }
}

extension Targets.Credential {
  /// The same one, whose provider can find what `stores` hold of it now (``CredentialProvider/knowing(_:)``).
  public func knowing(_ stores: [any SecretStore]) -> Self {
    guard !stores.isEmpty else { return self }
    let shape = provider.shape
    let isWhole = keys.isEmpty
    let key = isWhole ? key : keys[shape.primary] ?? key
    let provider = provider.knowing {
      var found: [Secret] = []
      for store in stores {
        do throws(CapabilityError) {
          guard try await store.currentVersion(key) != nil else { continue }
          let value = try await store.read(key)
          found.append(isWhole ? Material(reading: value, as: shape)?.primary ?? value : value)
        } catch { continue }  // no control, which the verdict then says
      }
      return found
    }
    return Self(provider: provider, store: store, key: self.key, keys: keys, consumers: consumers)
  }
}
