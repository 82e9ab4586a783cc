import Foundation

extension LeakyContents {
  /// A pipeline's task definition with an AWS key and the password of Redshift in its environment.
  /// - Parameters:
  ///   - id: goes with the key's `secret`, and is none.
  ///   - url: the connection string with the password in it.
  static func pipeline(id: String, secret: String, url: String, password: String) -> LeakyContents {
    let both = ["aws_access_key", "postgres_uri"]
    func environment(_ secret: String, _ url: String) -> [(name: String, value: String)] {
      [("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", secret), ("REDSHIFT_URL", url)]
    }
    return LeakyContents(
      name: "pipeline",
      ordinary: [
        "README.md": "# Pipeline (a drill: nothing here is real)\n", ".gitignore": ".env\n",
        "load.py": "\"\"\"Copies the lake's files into Redshift.\"\"\"\nimport boto3\nimport psycopg\n",
      ],
      main: File(
        path: "ecs/task-definition.json",
        text: """
          {
            "family": "load",
            "taskRoleArn": "arn:aws:iam::000000000000:role/etl",
            "containerDefinitions": [
              {
                "name": "load",
                "image": "load:1",
                "environment": [
                  {"name": "AWS_ACCESS_KEY_ID", "value": "\(id)"},
                  {"name": "AWS_SECRET_ACCESS_KEY", "value": "\(secret)"},
                  {"name": "REDSHIFT_URL", "value": "\(url)"}
                ]
              }
            ]
          }

          """, line: 10, kinds: both),
      cleanMain: """
        {
          "family": "load",
          "taskRoleArn": "arn:aws:iam::000000000000:role/etl",
          "containerDefinitions": [
            {
              "name": "load",
              "image": "load:1",
              "secrets": [
                {"name": "AWS_SECRET_ACCESS_KEY", "valueFrom": "pipeline/prod:AWS_SECRET_ACCESS_KEY::"},
                {"name": "REDSHIFT_URL", "valueFrom": "pipeline/prod:REDSHIFT_URL::"}
              ]
            }
          ]
        }

        """,
      experiment: "\n",
      branchFile: File(
        path: "terraform/pipeline.tfvars",
        text: "access_key = \"\(id)\"\nsecret_key = \"\(secret)\"\n", line: 2, kinds: ["aws_access_key"]),
      notebook: File(
        path: "notebooks/lake.ipynb", text: notebook(environment(secret, url)), line: 1, kinds: both),
      cleanNotebook: notebook(environment("removed", "removed")),
      encoded: File(
        path: "deploy/overrides.yaml",
        text: manifest("load", [("aws-secret-access-key", secret), ("redshift-password", password)]), line: 7,
        kinds: both),
      removed: ["terraform", "deploy"],
      tagMessage: "First load\n\nRun it with AWS_SECRET_ACCESS_KEY=\(secret)\n",
      note: "the password of etl is \(password)\n",
      stashed: ("local.env", "REDSHIFT_URL=\(url)\n"))
  }
}
