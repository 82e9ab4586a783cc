import Incidents
import Capabilities
import Foundation
import Inbox
import JSON
import People
import Testing
import TestSupport

@testable import Server

@Suite(.serialized, .timeLimit(.minutes(10)), .anotherBrowser) struct ConsoleBrowserTests {
  private static let paths = [
    "/incidents", "/incidents/inc-4t8a", "/incidents/inc-d001", "/incidents/inc-9xqd", "/plans/plan-7k2m",
    "/outbox",
    "/people", "/incidents/inc-2c9v/postmortem", "/sign-in",
  ]

  @Test func `a person signs in and approves with the keyboard alone, and the signature verifies`()
    async throws
  {
    try await RunningConsole.with { console in
      let browser = try Browser()
      defer { browser.stop() }
      let page = try await browser.page()
      try await page.signIn(console, to: "/incidents/inc-4t8a")
      #expect(try await page.evaluate("document.querySelector('h1').textContent").string == "amber-heron")
      try await page.tab(to: "[name=confirm]")
      try await page.type("orders-db")
      try await page.press("Tab")
      try await page.type(ConsoleCaller.password)
      try await page.loading { try await page.press("Enter") }
      let decision = try #require(try console.inbox.pendingDecisions().first)
      let signed = try #require(decision.approval)
      #expect(decision.kind == .approve && decision.step == "disable-old")
      #expect(
        SignedDecision.approve(PlanDigest(BoardFixture.planDigest), step: "disable-old").isSigned(
          signed.signature, role: "responder", at: signed.at, publicKey: console.publicKey))
      #expect(try await page.evaluate("document.activeElement.id").string == "said")
      #expect(try await page.html().contains("Decision 1 is stored."))
    }
  }

  @Test func `a change of the board appears without loading the page again, and is announced`() async throws {
    try await RunningConsole.with { console in
      let browser = try Browser()
      defer { browser.stop() }
      let page = try await browser.page()
      try await page.signIn(console)
      _ = try await page.evaluate("window.isSamePage = true")
      try await page.until("document.getElementById('live').textContent === 'Live'")
      var incident = try #require(
        try console.inbox.document(kind: "incident", id: "inc-4t8a")?.document.object)
      incident["credentials"] = [
        [
          "id": "orders-db", "subject": "leaked", "state": "dead", "probed": nil, "code": "28P01",
          "proven": "2026-11-24T03:00:00.000Z",
        ]
      ]
      try console.inbox.publish([("incident", "inc-4t8a", .object(incident))])
      try await page.until("document.querySelector('#i-inc-4t8a .state').textContent.includes('DEAD')")
      try await page.until("document.getElementById('announcer').textContent.includes('old credential DEAD')")
      #expect(try await page.evaluate("window.isSamePage").boolean == true)
    }
  }

  @Test func `what somebody types stays while the board changes`() async throws {
    try await RunningConsole.with { console in
      let browser = try Browser()
      defer { browser.stop() }
      let page = try await browser.page()
      try await page.signIn(console, to: "/incidents/inc-4t8a")
      try await page.until("document.getElementById('live').textContent === 'Live'")
      try await page.tab(to: "#note-text")
      try await page.type("half a sentence")
      var incident = try #require(
        try console.inbox.document(kind: "incident", id: "inc-4t8a")?.document.object)
      incident["next"] = ["text": "Something else now", "command": nil]
      try console.inbox.publish([("incident", "inc-4t8a", .object(incident))])
      try await page.until("document.querySelector('.do-text').textContent === 'Something else now'")
      #expect(
        try await page.evaluate("document.getElementById('note-text').value").string == "half a sentence")
      #expect(try await page.evaluate("document.activeElement.id").string == "note-text")
    }
  }

  @Test func `everything works without JavaScript`() async throws {
    try await RunningConsole.with { console in
      let browser = try Browser()
      defer { browser.stop() }
      let page = try await browser.page(hasJavaScript: false)
      try await page.signIn(console, to: "/incidents/inc-4t8a")
      #expect(try await page.html().contains("amber-heron"))
      let field = try await page.call("DOM.getDocument", ["depth": 0])
      let node = try await page.call(
        "DOM.querySelector", ["nodeId": field["root"]?["nodeId"] ?? .null, "selector": "#note-text"])
      try await page.call("DOM.focus", ["nodeId": node["nodeId"] ?? .null])
      try await page.untilFocus("#note-text")
      try await page.type("written without a script")
      try await page.press("Tab")
      try await page.untilFocus("button")
      try await page.loading { try await page.press("Enter") }
      #expect(try console.inbox.pendingDecisions().first?.text == "written without a script")
      #expect(try await page.html().contains("Decision 1 is stored."))
    }
  }

  @Test(arguments: [(360, false), (360, true), (768, false), (1280, false), (1280, true)])
  func `no page scrolls sideways or makes the browser complain`(width: Int, isDark: Bool) async throws {
    try await RunningConsole.with(storm: true) { console in
      let browser = try Browser()
      defer { browser.stop() }
      let page = try await browser.page(width: width, height: 1000, isDark: isDark)
      let complaints = BrowserComplaints(of: page)
      try await page.signIn(console)
      for path in Self.paths {
        try await page.open(console.address + path)
        let overhang = try await page.evaluate(
          "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        ).integer
        #expect(overhang == 0, "\(path) at \(width)")
        let small = try await page.evaluate(
          """
          [...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
            .filter((field) => !field.labels || field.labels.length === 0).map((field) => field.name).join()
          """
        ).string
        #expect(small == "", "fields without a label on \(path)")
        let levels = try await page.evaluate(
          "document.querySelectorAll('h1').length + ' ' + document.querySelectorAll('main').length"
        ).string
        #expect(levels == "1 1", "headings and landmarks of \(path)")
      }
      #expect(complaints.all.isEmpty)
    }
  }

  /// `RECORD_SCREENSHOTS=docs` keeps the pictures; docs/console.png is the first of them.
  @Test(arguments: [("console", 1280, false), ("console-dark", 1280, true), ("console-narrow", 390, false)])
  func `a page of a running incident can be shown, live`(name: String, width: Int, isDark: Bool) async throws
  {
    try await RunningConsole.with { console in
      let browser = try Browser()
      defer { browser.stop() }
      let page = try await browser.page(width: width, height: 860, isDark: isDark)
      try await page.call("Emulation.setScrollbarsHidden", ["hidden": true])
      try await page.signIn(console, to: "/incidents/inc-4t8a")
      try await page.until("document.getElementById('live').textContent === 'Live'")
      let picture = try await page.screenshot()
      // PNG (RFC 2083 §11.2.1): the width stands in bytes 16 to 19.
      #expect(picture.prefix(4) == Data([0x89, 0x50, 0x4E, 0x47]))
      #expect(picture.dropFirst(16).prefix(4).reduce(0) { $0 << 8 | Int($1) } == width)
      if let directory = ProcessInfo.processInfo.environment["RECORD_SCREENSHOTS"] {
        try picture.write(to: URL(filePath: "\(directory)/\(name).png"))
      }
    }
  }

  @Test(arguments: [false, true])
  func `what can have the focus shows it, and text has the contrast of WCAG AA`(isDark: Bool) async throws {
    try await RunningConsole.with(storm: true) { console in
      let browser = try Browser()
      defer { browser.stop() }
      let page = try await browser.page(isDark: isDark)
      try await page.signIn(console)
      for path in Self.paths {
        try await page.open(console.address + path)
        let poor = try await page.evaluate(ContrastScript.text).array ?? []
        #expect(poor.isEmpty, "\(path): \(poor.map(\.canonicalText))")
      }
      try await page.open(console.address + "/incidents")
      try await page.press("Tab")
      try await page.press("Tab")
      let outline = try await page.evaluate("getComputedStyle(document.activeElement).outlineStyle").string
      #expect(outline == "solid")
    }
  }
}

/// Computes the contrast of every visible text against what is behind it (WCAG 2.2 §1.4.3).
enum ContrastScript {
  static let text = """
    (() => {
      const parse = (text) => { const parts = text.match(/[0-9.]+/g).map(Number); return parts.length < 4 ? [...parts, 1] : parts; };
      const light = (color) => {
        const [r, g, b] = color.slice(0, 3).map((value) => value / 255).map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
          const color = parse(getComputedStyle(at).backgroundColor);
          if (color[3] === 1) return color;
        }
        return [255, 255, 255, 1];
      };
      const poor = [];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.textContent.trim() || !element.checkVisibility() || element.closest('.hidden, .skip, noscript')) continue;
        const style = getComputedStyle(element);
        const [one, other] = [light(parse(style.color)), light(behind(element))];
        const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        const isLarge = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
        if (ratio < (isLarge ? 3 : 4.5)) poor.push(`${walker.currentNode.textContent.trim().slice(0, 30)} ${ratio.toFixed(2)}`);
      }
      return poor;
    })()
    """
}
