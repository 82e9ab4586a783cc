import Capabilities
import CredentialProviders
import Foundation
import Incidents
import JSON
import Secrets
import TestSupport
import Testing

/// A Redis server whose commands are not what they are called.
@Suite struct RedisStageTests {
  @Test(arguments: [
    ["rename-command CLIENT \"\"", "rename-command GET CLIENT"], ["rename-command CLIENT other"],
    ["rename-command MODULE \"\""],
  ])
  func `a renamed command is no command of the server's`(renames: [String]) async throws {
    let server = try RedisServer(settings: renames)
    let (name, leaked) = try await server.makeUser("~* +@all")
    // With GET in its place, `CLIENT LIST` is a value that the holder of the leaked password sets.
    _ = try await server.run("SET LIST nothing-to-see", as: name, leaked)
    let provider = try RedisUserTests.provider(server, user: name)
    let error = await #expect(throws: CapabilityError.self) {
      try await provider.endSessions(CredentialRef(name), before: Date(), under: .forTests())
    }
    #expect(error?.class == .unsafe)
  }

  /// A filter sees every command before the server does, and may write another one in its place.
  @Test func `a module that nobody has named is refused, before anything is asked of it`() async throws {
    let directory = try TemporaryDirectory()
    try """
    int RedisModule_OnLoad(void *context, void **arguments, int count) {
      int (*api)(const char *, void *) = ((void **)context)[0];
      void (*name)(void *, const char *, int, int);
      void *(*filter)(void *, void (*)(void *), int);
      extern void seen(void *);
      api("RedisModule_SetModuleAttribs", &name);
      api("RedisModule_RegisterCommandFilter", &filter);
      name(context, "helper", 1, 1);
      filter(context, seen, 0);
      return 0;
    }
    void seen(void *command) { (void)command; }
    """.write(toFile: directory.path("helper.c"), atomically: true, encoding: .utf8)
    _ = try await Program.run(
      ["clang", "-shared", "-fPIC", "-o", directory.path("helper.so"), directory.path("helper.c")],
      in: directory.path)
    let server = try RedisServer(settings: ["loadmodule \(directory.path("helper.so"))"])
    let (name, leaked) = try await server.makeUser()
    let provider = try RedisUserTests.provider(server, user: name)
    let probe = try await provider.verify(leaked, ref: nil)
    #expect(probe.state == .unknown && probe.code.contains("helper"), "\(probe)")
    for call in [
      { _ = try await provider.issue(marker: "m", generated: Secret("N3w"), under: .forTests()) },
      { _ = try await provider.endSessions(CredentialRef(name), before: Date(), under: .forTests()) },
      { _ = try await provider.identify(leaked) },
    ] as [@Sendable () async throws -> Void] {
      let error = await #expect(throws: CapabilityError.self) { try await call() }
      #expect(error?.class == .unsafe && error?.fix?.contains("modules: [helper]") == true)
    }
    let own = try RedisUserTests.provider(server, user: name, ["modules": ["helper"]])
    #expect(try await own.verify(leaked, ref: nil).state == .alive)
    server.stop()
  }

  @Test func `functions and scripts of the leaked user change no answer`() async throws {
    let server = try RedisServer()
    let (name, leaked) = try await server.makeUser("~* +@all")
    _ = try await server.run(
      "FUNCTION LOAD \"#!lua name=client\\nredis.register_function('acl', function() return 'OK' end)\"",
      as: name,
      leaked)
    let connection = try server.openConnection(name, leaked)
    let count = try await RedisUserTests.provider(server, user: name).endSessions(
      CredentialRef(name), before: Date(), under: .forTests())
    #expect(count == SessionCount(found: 1, ended: 1, left: 0))
    connection.stop()
  }

  @Test func `a runner without the rights to look works all the same`() async throws {
    let server = try RedisServer()
    let (name, leaked) = try await server.makeUser()
    try await server.run(
      "ACL SETUSER runner on >Runn3rPassword +acl +client +config|get +config|rewrite +info")
    let provider = try RedisUserTests.provider(
      server, user: name, ["admin_user": "runner"], admin: Secret("Runn3rPassword"))
    #expect(try await provider.identify(leaked) == CredentialRef(name))
  }
}
