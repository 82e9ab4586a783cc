import Foundation
import Secrets
import TestSupport
import Testing

@testable import GitObjects

/// Archives, gzip and SQLite files as Python's own modules write them.
@Suite struct ContentSearchTests {
  /// Makes `f` in the directory that it is run in; `v` is the value, as bytes.
  struct Made: Sendable, CustomTestStringConvertible {
    let name: String
    let script: String
    /// Members and lines, as `outer!inner:line`; parts that are no content behind a blank.
    let found: [String]
    var notSearched: [String] = []
    var limits = ContentLimits()
    var testDescription: String { name }
  }

  /// Runs one of them through the search.
  private static func search(_ made: Made) async throws -> Recorder {
    let directory = try TemporaryDirectory()
    let head = """
      import gzip, io, os, sqlite3, struct, sys, tarfile, zipfile
      v = sys.argv[1].encode()
      line = b'a\\nkey = ' + v + b'\\n'
      def zipped(members, method=zipfile.ZIP_DEFLATED):
        out = io.BytesIO()
        with zipfile.ZipFile(out, 'w', method) as z:
          for name, data in members: z.writestr(zipfile.ZipInfo(name), data, method)
        return out.getvalue()
      def tarred(members, mode='w', format=tarfile.PAX_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode=mode, format=format) as t:
          for name, data in members:
            info = tarfile.TarInfo(name); info.size = len(data); t.addfile(info, io.BytesIO(data))
        return out.getvalue()
      def put(data): open('f', 'wb').write(data)

      """
    try await Program.run(["python3", "-c", head + made.script, leaked], in: directory.path)
    let path = directory.path("f")
    func region(_ path: String) -> FileRegion? {
      let descriptor = open(path, O_RDONLY)
      guard descriptor >= 0 else { return nil }
      return FileRegion(descriptor: descriptor, count: Int(lseek(descriptor, 0, SEEK_END)))
    }
    let recorder = Recorder()
    let search = ContentSearch(
      patterns: try SecretPatterns(secrets: [Secret(leaked)]), limits: made.limits, listener: recorder)
    try search.search(try #require(region(path))) { region(path + "-wal") }
    return recorder
  }

  @Test(arguments: [
    Made(name: "a plain file", script: "put(line)", found: [":2"]),
    Made(name: "gzip", script: "put(gzip.compress(line))", found: [":2"]),
    Made(
      name: "gzip of several members", script: "put(gzip.compress(b'x\\n') + gzip.compress(line))",
      found: [":3"]),
    Made(name: "gzip filled up with zeros", script: "put(gzip.compress(line) + bytes(512))", found: [":2"]),
    Made(name: "a wheel", script: "put(zipped([('a/b.py', b'x'), ('a/.env', line)]))", found: ["a/.env:2"]),
    Made(
      name: "a zip that stores its members", script: "put(zipped([('a', line)], zipfile.ZIP_STORED))",
      found: ["a:2"]),
    Made(
      name: "a zip behind a program", script: "put(b'#!/usr/bin/python3\\n' + zipped([('a', line)]))",
      found: ["a:2"]),
    Made(
      name: "a zip of unknown sizes, as a pipe gets it",
      script: """
        class Pipe(io.RawIOBase):
          def __init__(self): self.data = b''
          def writable(self): return True
          def write(self, data): self.data += bytes(data); return len(data)
        p = Pipe()
        with zipfile.ZipFile(p, 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('a', line)
        put(p.data)
        """, found: ["a:2"]),
    Made(
      name: "a Zip64 member",
      script: """
        with zipfile.ZipFile('f', 'w') as z:
          with z.open('a', 'w', force_zip64=True) as m: m.write(line)
        """, found: ["a:2"]),
    Made(name: "tar", script: "put(tarred([('x', b'x'), ('d/a', line)]))", found: ["d/a:2"]),
    Made(name: "tar.gz", script: "put(tarred([('d/a', line)], 'w:gz'))", found: ["d/a:2"]),
    Made(
      name: "long names of GNU and of pax",
      script: "put(tarred([('n' * 300, line)], format=tarfile.GNU_FORMAT))",
      found: [String(repeating: "n", count: 300) + ":2"]),
    Made(
      name: "a name in pax's own header", script: "put(tarred([('n' * 300, line)]))",
      found: [String(repeating: "n", count: 300) + ":2"]),
    Made(
      name: "archives in archives",
      script: "put(tarred([('in.tgz', tarred([('in.zip', zipped([('a', line)]))], 'w:gz'))]))",
      found: ["in.tgz!in.zip!a:2"]),
    Made(
      name: "a value in names",
      script: "put(tarred([('x-' + v.decode() + '\\n', b'x')]))", found: ["x-\(leaked)\n name"]),
    Made(
      name: "a value in an archive's comment",
      script: """
        with zipfile.ZipFile('f', 'w') as z:
          z.writestr('a', b'x'); z.comment = b'made by ' + v
        """, found: [" frame"]),
    Made(
      name: "where a link in a tar points",
      script: """
        with tarfile.open('f', 'w') as t:
          info = tarfile.TarInfo('l'); info.type = tarfile.SYMTYPE; info.linkname = '/run/' + v.decode(); t.addfile(info)
        """, found: ["l name"]),
  ])
  func `a value is found in what is packed, with its member and its line`(_ made: Made) async throws {
    let recorder = try await Self.search(made)
    #expect(recorder.found == made.found)
    #expect(recorder.notSearched == made.notSearched)
  }

  @Test(arguments: [
    Made(
      name: "an encrypted member",
      script: """
        b = bytearray(zipped([('a', line), ('b', line)]))
        for mark, at in ((b'PK\\3\\4', 6), (b'PK\\1\\2', 8)): b[b.index(mark) + at] |= 1
        put(bytes(b))
        """, found: ["b:2"], notSearched: ["a: it is encrypted"]),
    Made(
      name: "bzip2 in a zip", script: "put(zipped([('a', line)], zipfile.ZIP_BZIP2))", found: [],
      notSearched: ["a: it is compressed with bzip2, which is not unpacked here"]),
    Made(
      name: "tar.xz", script: "put(tarred([('a', line)], 'w:xz'))", found: [],
      notSearched: [": it is compressed with xz, which is not unpacked here"]),
    Made(
      name: "tar.bz2", script: "put(tarred([('a', line)], 'w:bz2'))", found: [],
      notSearched: [": it is compressed with bzip2, which is not unpacked here"]),
    Made(
      name: "gzip that is cut off", script: "put(gzip.compress(line + os.urandom(1 << 20))[:1 << 19])",
      found: [":2"],
      notSearched: [": its compressed data end too early"]),
    Made(
      name: "gzip with something behind it", script: "put(gzip.compress(line) + b'rest')", found: [":2"],
      notSearched: [": bytes stand behind the end of its compressed data"]),
    Made(
      name: "a zip without its directory", script: "put(zipped([('a', line)], zipfile.ZIP_STORED)[:120])",
      found: [":2"], notSearched: [": the directory of the zip archive is missing"]),
    Made(
      name: "a member that says to be larger than the archive",
      script: """
        b = bytearray(zipped([('a', line), ('b', line)]))
        struct.pack_into('<I', b, b.index(b'PK\\1\\2') + 20, 1 << 30); put(bytes(b))
        """, found: ["b:2"], notSearched: [": a member is larger than the zip archive"]),
    Made(
      name: "a directory that counts more than it lists",
      script: """
        b = bytearray(zipped([('a', line)]))
        struct.pack_into('<H', b, b.index(b'PK\\5\\6') + 10, 7); put(bytes(b))
        """, found: ["a:2"],
      notSearched: [": the directory of the zip archive lists 1 members and says to have 7"]),
    Made(
      name: "a tar that is cut off", script: "put(tarred([('a', line + bytes(4096)), ('b', b'x')])[:2048])",
      found: ["a:2"],
      notSearched: ["a: it ends before what it says to have", ": it ends before what it says to have"]),
    Made(
      name: "what is no header in a tar, and what follows",
      script: "put(tarred([('a', b'x')])[:1024] + b'-' * 512 + line)", found: [" frame"],
      notSearched: [": a member's header is broken"]),
    Made(
      name: "archives too deep",
      script: """
        d = line
        for n in range(10): d = zipped([('z', d)])
        put(d)
        """, found: [],
      notSearched: [
        "z!z!z!z!z!z!z!z: archives are followed 8 deep, and it is another one"
      ]),
  ])
  func `what cannot be searched is named, and what was read before it counts`(_ made: Made) async throws {
    let recorder = try await Self.search(made)
    #expect(recorder.found == made.found)
    #expect(recorder.notSearched == made.notSearched)
  }

  @Test func `a bomb ends at the limit, which is said once`() async throws {
    var limits = ContentLimits()
    limits.unpacked = 32 << 20
    let made = Made(
      name: "bomb",
      script: """
        bomb = zipped([('b%d' % n, bytes(16 << 20)) for n in range(8)])
        put(tarred([('in.zip', bomb), ('in2.zip', bomb)], 'w:gz'))
        """, found: [], limits: limits)
    let recorder = try await Self.search(made)
    #expect(
      recorder.notSearched.count == 1 && recorder.notSearched[0].hasSuffix("more than 32 MiB come out of it"))
    #expect(recorder.passed <= 40 << 20)
  }

  @Test func `more members than one file may have are not looked at`() async throws {
    var limits = ContentLimits()
    limits.members = 3
    let made = Made(
      name: "members", script: "put(zipped([('m%d' % n, line) for n in range(9)]))", found: [], limits: limits
    )
    let recorder = try await Self.search(made)
    #expect(recorder.found == ["m0:2", "m1:2", "m2:2"])
    #expect(recorder.notSearched == [": it has more than 3 members"])
  }

  @Test func `an inner zip beyond what is held in memory is named, and searched as it is`() async throws {
    var limits = ContentLimits()
    limits.held = 1 << 20
    let made = Made(
      name: "held",
      script:
        "put(tarred([('in.zip', zipped([('a', line), ('b', os.urandom(2 << 20))], zipfile.ZIP_STORED))]))",
      found: [], limits: limits)
    let recorder = try await Self.search(made)
    #expect(recorder.found == ["in.zip:2"])
    #expect(recorder.notSearched == ["in.zip: a zip archive inside an archive has more than 1 MiB"])
  }

  @Test(arguments: [
    "c.execute('insert into t values(?)', (b'x' * 5000 + v + b'y' * 5000,))",
    // Free pages keep what was deleted.
    "c.execute('insert into t values(?)', (b'x' * 5000 + v + b'y' * 5000,)); c.commit(); c.execute('delete from t')",
  ])
  func `a value in a SQLite file is found in a page`(_ statement: String) async throws {
    let recorder = try await Self.search(
      Made(
        name: "sqlite",
        script:
          "c = sqlite3.connect('f'); c.execute('pragma secure_delete=0'); c.execute('create table t(a)'); \(statement); c.commit(); c.close()",
        found: []))
    #expect(recorder.found.count == 1 && recorder.notSearched.isEmpty, "\(recorder.found)")
  }

  @Test(arguments: ["delete", "wal"])
  func `values over two pages of a SQLite file are each found once, in its log, too`(_ mode: String)
    async throws
  {
    // Of 300 values, each one byte further on, some lie over the end of a page.
    let recorder = try await Self.search(
      Made(
        name: "sqlite",
        script: """
          c = sqlite3.connect('f'); c.execute('pragma page_size=512'); c.execute('pragma journal_mode=\(mode)')
          c.execute('create table t(a)'); c.execute('pragma wal_autocheckpoint=0')
          for n in range(300): c.execute('insert into t values(?)', (b'x' * (1000 + n) + v + b'y' * (1200 - n),))
          c.commit()
          os._exit(0)
          """, found: []))
    let over = recorder.found.filter { $0.hasSuffix(" pages") }.count
    #expect(recorder.notSearched.isEmpty)
    #expect(over > 10, "\(recorder.found.count)")
    if mode == "delete" { #expect(recorder.found.count == 300) }
  }

  /// What a search tells, as text.
  private final class Recorder: ContentListener {
    var found: [String] = []
    var notSearched: [String] = []
    var passed = 0

    private func text(_ trail: [[UInt8]]) -> String {
      trail.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "!")
    }
    func found(_ hit: SecretPatterns.TextHit, _ part: ContentPart, in trail: [[UInt8]]) {
      found.append(text(trail) + (part == .content ? ":\(hit.line)" : " \(part.rawValue)"))
    }
    func tells(
      _ hits: [SecretPatterns.TextHit], in text: UnsafeBufferPointer<UInt8>, at trail: [[UInt8]]
    ) -> Bool { false }
    func notSearched(_ why: String, in trail: [[UInt8]]) { notSearched.append("\(text(trail)): \(why)") }
    func passed(_ bytes: Int) { passed += bytes }
  }
}
