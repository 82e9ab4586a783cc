import JSON

extension KubernetesPodSpec {
  /// One way in which a container comes to a generation of the Secret.
  struct Reference {
    let secret: String
    /// Those that it gets; nil: all.
    let keys: Set<String>?
    let way: Way
    /// The variable or the mounted volume.
    let name: String
  }

  /// Those of one container. What an image is pulled with is in no container.
  func references(of container: JSONValue) -> [Reference] {
    var found: [Reference] = []
    for variable in container["env"]?.array ?? [] {
      let source = variable["valueFrom"]?["secretKeyRef"]
      guard let name = generation(source?["name"]) else { continue }
      found.append(
        Reference(
          secret: name, keys: source?["key"]?.string.map { [$0] }, way: .environment,
          name: variable["name"]?.string ?? "?"))
    }
    for source in container["envFrom"]?.array ?? [] {
      guard let name = generation(source["secretRef"]?["name"]) else { continue }
      found.append(Reference(secret: name, keys: nil, way: .environment, name: "all of \(name)"))
    }
    let volumes = volumes
    for mount in container["volumeMounts"]?.array ?? [] {
      let name = mount["name"]?.string ?? "?"
      let isPart = mount["subPath"] != nil || mount["subPathExpr"] != nil
      for (secret, keys) in volumes[name] ?? [] {
        found.append(Reference(secret: secret, keys: keys, way: isPart ? .subPath : .mount, name: name))
      }
    }
    return found
  }

  /// What else its containers read values from, which nobody here looks into: other Secrets, ConfigMaps, volumes of drivers.
  var others: Set<String> {
    var found: Set<String> = []
    func note(_ kind: String, _ name: JSONValue?) {
      // The cluster's own, which every pod has.
      guard let name = name?.string, name != "kube-root-ca.crt",
        kind != "Secret" || !Self.isGeneration(name, of: secret)
      else { return }
      found.insert("\(kind) \(name)")
    }
    for volume in spec["volumes"]?.array ?? [] {
      if volume["csi"] != nil { note("CSI volume", volume["name"]) }
      for source in [volume] + (volume["projected"]?["sources"]?.array ?? []) {
        note("ConfigMap", source["configMap"]?["name"])
        note("Secret", source["secret"]?["secretName"] ?? source["secret"]?["name"])
      }
    }
    for container in (spec["containers"]?.array ?? []) + (spec["initContainers"]?.array ?? []) {
      for variable in container["env"]?.array ?? [] {
        note("ConfigMap", variable["valueFrom"]?["configMapKeyRef"]?["name"])
        note("Secret", variable["valueFrom"]?["secretKeyRef"]?["name"])
      }
      for source in container["envFrom"]?.array ?? [] {
        note("ConfigMap", source["configMapRef"]?["name"])
        note("Secret", source["secretRef"]?["name"])
      }
    }
    return found
  }

  private func generation(_ name: JSONValue?) -> String? {
    guard let name = name?.string, Self.isGeneration(name, of: secret) else { return nil }
    return name
  }

  /// Name of a volume → Secrets in it, and their keys.
  private var volumes: [String: [(secret: String, keys: Set<String>?)]] {
    var found: [String: [(secret: String, keys: Set<String>?)]] = [:]
    for volume in spec["volumes"]?.array ?? [] {
      guard let name = volume["name"]?.string else { continue }
      for source in [volume] + (volume["projected"]?["sources"]?.array ?? []) {
        let part = source["secret"]
        guard let secret = generation(part?["secretName"] ?? part?["name"]) else { continue }
        let keys = part?["items"]?.array.map { Set($0.compactMap { $0["key"]?.string }) }
        found[name, default: []].append((secret, keys))
      }
    }
    return found
  }
}
