import Capabilities
import Foundation
import Playbooks
import Secrets

/// What an entry of staunch.yaml says for a provider that a file describes.
struct DescribedSettings: Sendable {
  /// What every such entry may say.
  struct Common: AdapterSettings {
    let base: String?
    let id: String?
    let control: String?
    let console: String?
    let replacement: String?
    let replacementID: String?
    let trust: ServerTrust?

    init(from read: inout SettingsReader) throws(CapabilityError) {
      base = try read.optionalText("base_url", "where its API is; the provider file's when absent")
      id = try read.optionalText(
        "id",
        "the leaked credential's public id, where its provider does not tell; the entry's name when absent")
      control = try read.optionalReference(
        "control",
        "another one of the same kind that works: it is asked between refusals; what the store holds when absent"
      )
      console = try read.optionalText(
        "console", "where a person makes and revokes one; the provider file's when absent")
      replacement = try read.optionalReference(
        "replacement",
        "where a person puts the new value, where only a person makes one; `prompt` when absent")
      replacementID = try read.optionalText(
        "replacement_id", "the new credential's public id, where it has one")
      trust = try read.trust()
    }
  }

  let name: String
  let base: String
  /// The entry named ``base``: then no call goes anywhere else.
  let isBaseOwn: Bool
  let id: String
  let control: String?
  let console: String?
  let replacement: String
  let replacementID: String
  let trust: ServerTrust?
  let propagation: Duration
  /// The file's own settings that are no references.
  let plain: [String: String]
  let references: [String: String]
  /// The one that names the account.
  let account: String?

  /// - Throws: `.configuration`.
  init(_ target: TargetConfiguration, _ description: ProviderDescription) throws(CapabilityError) {
    let common = try Common(target)
    name = target.name
    guard let base = common.base ?? description.base else {
      throw CapabilityError(
        .configuration, "\(target.position): \(target.name)", because: "the setting \"base_url\" is missing",
        fix: "every \(target.kind) has an address of its own: add base_url to the entry, then: staunch doctor"
      )
    }
    self.base = base.hasSuffix("/") ? String(base.dropLast()) : base
    isBaseOwn = common.base != nil
    id = common.id ?? target.name
    control = common.control
    console = common.console
    replacement = common.replacement ?? "prompt:the new \(target.name)"
    _ = try SecretReference(replacement)
    replacementID = common.replacementID ?? target.name + "-replacement"
    trust = common.trust
    propagation = try target.propagation(default: description.propagation)
    var plain: [String: String] = [:]
    var references: [String: String] = [:]
    for setting in description.settings {
      let text = setting.isRequired ? try target.text(setting.key) : try target.optionalText(setting.key)
      if setting.isSecretReference { references[setting.key] = text } else { plain[setting.key] = text }
    }
    self.plain = plain
    self.references = references
    if case .setting(let name) = description.identity { account = plain[name] } else { account = nil }
    guard id != replacementID else {
      throw CapabilityError(
        .configuration, "\(target.position): \(target.name)", because: "id and replacement_id are the same",
        fix: "write the new credential's own id, or leave replacement_id out")
    }
  }

  /// As expressions see them.
  var scope: [String: Value] { plain.mapValues(Value.string) }

  /// What there is to set for `description`.
  static func declarations(of description: ProviderDescription) -> [SettingDeclaration] {
    description.settings
      + Common.declarations.map { setting in
        // Without an address in the file every entry has its own.
        setting.key == "base_url" && description.base == nil
          ? SettingDeclaration(setting.key, required: true, "where its API is") : setting
      } + [
        .propagation("\(description.propagation.components.seconds)")
      ]
  }
}
