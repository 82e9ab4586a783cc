import Capabilities
import Foundation
import Incidents
import JSON
import PlaybookTools
import Playbooks
import StaunchConfiguration

/// Reads any bytes as a playbook and lints it; draws and exports one that loads. A file that begins with `staunch` is read
/// as a staunch.yaml, one with `test` as a rehearsal, JSON as a CACAO playbook. Each is read or refused with its place.
///
/// Shared by `Benchmarks/fuzz/run` and by the test that replays its corpus.
struct FuzzTarget: Sendable {
  struct Fault: Error, CustomStringConvertible { let description: String }

  init(directory: String) throws {}

  func exercise(_ bytes: [UInt8]) throws {
    if bytes.starts(with: "staunch".utf8) {
      configuration(String(decoding: bytes, as: UTF8.self))
    } else if bytes.first == UInt8(ascii: "{") {
      try cacao(bytes)
    } else if bytes.starts(with: "test".utf8) {
      // Refused with everything that is wrong: an answer.
      _ = try? PlaybookTest.load(
        source: String(decoding: bytes, as: UTF8.self), file: "t.yaml", library: Self.library,
        catalogue: ActionSignature.builtin)
    } else {
      try playbook(bytes)
    }
  }

  private static let library = PlaybookLibrary(builtin: [
    PlaybookLibrary.File(
      name: "p.yaml",
      text: """
        playbook: 1
        id: p
        title: Rehearsed
        inputs: {credential: {type: credential}, leaked: {type: secret}}
        steps:
          - {id: dead, uses: credential.verify, with: {credential: "${{ inputs.credential }}", secret: "${{ inputs.leaked }}"}}
        """)
  ])

  private static let catalogue = AdapterCatalogue(
    credentials: [
      "postgres": [
        SettingDeclaration("host", required: true, "server"), SettingDeclaration("port", "port"),
        SettingDeclaration("admin_password", required: true, secret: true, "the runner's password"),
      ]
    ],
    stores: ["env-file": [SettingDeclaration("path", required: true, "file")]],
    consumers: ["command": [SettingDeclaration("restart", "argv")]],
    trackers: ["standard-webhooks": [SettingDeclaration("url", required: true, "where")]])

  private func configuration(_ source: String) {
    // Refused with everything that is wrong: an answer.
    _ = try? ConfigurationReader.read(
      source, file: "staunch.yaml", directory: "/etc/staunch", catalogue: Self.catalogue)
  }

  private func playbook(_ bytes: [UInt8]) throws {
    let found = Linter.lint(
      bytes: bytes, file: "p.yaml", catalogue: ActionSignature.builtin, isFile: true, roles: ["responder"])
    let lines = bytes.count { $0 == 0x0A || $0 == 0x0D } + 2
    for diagnostic in found where diagnostic.position.line < 1 || diagnostic.position.line > lines {
      throw Fault(description: "a diagnostic names line \(diagnostic.position.line), which the file has not")
    }
    let source = String(decoding: bytes, as: UTF8.self)
    guard
      let playbook = try? Playbook.load(source: source, file: "p.yaml", catalogue: ActionSignature.builtin)
    else { return }
    let graph = PlaybookGraph(playbook)
    guard !graph.mermaid.isEmpty, graph.svg.hasSuffix("</svg>\n") || graph.svg.hasSuffix("</svg>") else {
      throw Fault(description: "a playbook that loads has no picture")
    }
  }

  private func cacao(_ bytes: [UInt8]) throws {
    guard let document = try? JSONValue(parsing: bytes), let yaml = try? CACAOImport.yaml(from: document)
    else {
      return
    }
    _ = Linter.lint(source: yaml, file: "c.yaml", catalogue: ActionSignature.builtin)
  }
}
