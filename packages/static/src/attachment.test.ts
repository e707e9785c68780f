import { describe, expect, it } from "vitest";
import { attachment } from "./attachment.ts";

describe("attachment", () => {
  it.each([
    ["plans.pdf", "attachment; filename=plans.pdf"],
    ["my plans.pdf", 'attachment; filename="my plans.pdf"'],
    ['a "quoted".txt', 'attachment; filename="a \\"quoted\\".txt"'],
    ["naïve.txt", "attachment; filename=naive.txt; filename*=UTF-8''na%C3%AFve.txt"],
    ["€ rates.txt", "attachment; filename=\"_ rates.txt\"; filename*=UTF-8''%E2%82%AC%20rates.txt"],
    ["100%.txt", "attachment; filename=100_.txt; filename*=UTF-8''100%25.txt"],
    ["../../etc/passwd", "attachment; filename=passwd"],
    ["C:\\evil.exe", "attachment; filename=evil.exe"],
    ["a\r\nSet-Cookie: b", 'attachment; filename="a__Set-Cookie: b"'],
    ["", "attachment"],
    ["folder/", "attachment"],
  ])("of %j", (name, value) => {
    expect(attachment(name)).toBe(value);
  });

  it("can name what the browser may show", () => {
    expect(attachment("a.pdf", "inline")).toBe("inline; filename=a.pdf");
  });
});
