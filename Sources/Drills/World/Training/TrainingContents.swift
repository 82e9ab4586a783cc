extension LeakyContents {
  /// A training script with an OpenAI key and a database password in it.
  /// - Parameter databaseURL: the connection string with the password in it.
  static func training(openAIKey: String, databaseURL: String, password: String) -> LeakyContents {
    let both = ["openai_api_key", "postgres_uri"]
    func environment(_ key: String, _ database: String) -> [(name: String, value: String)] {
      [("OPENAI_API_KEY", key), ("DATABASE_URL", database)]
    }
    return LeakyContents(
      name: "training",
      ordinary: [
        "README.md": "# Training (a drill: nothing here is real)\n", ".gitignore": ".env\n",
        "requirements.txt": "openai\npsycopg\n",
      ],
      main: File(
        path: "train.py",
        text: """
          \"\"\"Trains the model.\"\"\"
          import openai
          import psycopg

          OPENAI_API_KEY = "\(openAIKey)"
          DATABASE_URL = "\(databaseURL)"

          client = openai.OpenAI(api_key=OPENAI_API_KEY)
          connection = psycopg.connect(DATABASE_URL)

          """, line: 5, kinds: both),
      cleanMain: """
        \"\"\"Trains the model.\"\"\"
        import os

        import openai
        import psycopg

        client = openai.OpenAI(api_key=os.environ["OPENAI_API_KEY"])
        connection = psycopg.connect(os.environ["DATABASE_URL"])

        """,
      experiment: "\nLEARNING_RATE = 0.0003\n",
      branchFile: File(
        path: "config/settings.toml", text: "[openai]\nkey = \"\(openAIKey)\"\n", line: 2,
        kinds: ["openai_api_key"]),
      notebook: File(
        path: "notebooks/explore.ipynb", text: notebook(environment(openAIKey, databaseURL)), line: 1,
        kinds: both),
      cleanNotebook: notebook(environment("removed", "removed")),
      encoded: File(
        path: "k8s/secret.yaml",
        text: manifest("trainer", [("openai-api-key", openAIKey), ("database-password", password)]), line: 7,
        kinds: both),
      removed: ["k8s", "config"],
      tagMessage: "First working version\n\nRun it with OPENAI_API_KEY=\(openAIKey)\n",
      note: "the password is \(password)\n",
      stashed: ("local.env", "DATABASE_URL=\(databaseURL)\n"))
  }
}
