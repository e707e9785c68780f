import { describe, expect, it } from "vitest";
import { client, encodeMultipart } from "./index.ts";
import { bytes, plain } from "./conformance/apps.ts";

const fields = {
  title: "café\n",
  files: [
    { filename: "a.txt", content: "text", type: "text/plain" },
    { filename: "b", content: bytes("\0\r\n") },
  ],
};

describe("encodeMultipart", () => {
  it("writes fields and files as browsers do", () => {
    const { type, bytes: body } = encodeMultipart(fields);
    expect(type).toBe("multipart/form-data; boundary=----gateway-testing-0");
    const boundary = "------gateway-testing-0";
    expect(Buffer.from(body).toString()).toBe(
      [
        boundary,
        'Content-Disposition: form-data; name="title"',
        "",
        "café\r\n",
        boundary,
        'Content-Disposition: form-data; name="files"; filename="a.txt"',
        "Content-Type: text/plain",
        "",
        "text",
        boundary,
        'Content-Disposition: form-data; name="files"; filename="b"',
        "Content-Type: application/octet-stream",
        "",
        "\0\r\n",
        `${boundary}--`,
        "",
      ].join("\r\n"),
    );
  });

  it("escapes names, so that they end nothing", () => {
    const { bytes: body } = encodeMultipart({ 'a"b\r\nc': { filename: 'x"\ny', content: "" } });
    expect(Buffer.from(body).toString()).toContain('name="a%22b%0D%0Ac"; filename="x%22%0Ay"');
    expect(() => encodeMultipart({ a: { filename: "b", content: "", type: "text/plain\r\nX: 1" } })).toThrow("no line ends");
  });

  it("takes a boundary that the content does not contain", () => {
    expect(encodeMultipart({ a: "----gateway-testing-0 ----gateway-testing-1" }).type).toContain("----gateway-testing-2");
  });

  it("is read back by the platform", async () => {
    const response = await client(async (environ, startResponse) => {
      const body = await environ["wsgi.input"].read();
      const form = await new Response(Uint8Array.from(body), {
        headers: { "Content-Type": environ.CONTENT_TYPE ?? "" },
      }).formData();
      const files = form
        .getAll("files")
        .map((file) => (typeof file === "string" ? file : `${file.name} ${file.type} ${file.size}`));
      startResponse("200 OK", plain());
      return [bytes(JSON.stringify([form.get("title"), files, environ.CONTENT_LENGTH === String(body.length)]))];
    }).post("/", { multipart: fields, splitEvery: 7 });
    expect(response.json()).toEqual(["café\r\n", ["a.txt text/plain 4", "b application/octet-stream 3"], true]);
  });
});
