import { describe, expect, it } from "vitest";
import { html } from "./html.ts";

describe("html", () => {
  it("escapes what is not HTML, in elements and attributes", () => {
    const text = `<a href="x" title='y'>&amp;</a>`;
    const escaped = "&#60;a href=&#34;x&#34; title=&#39;y&#39;&#62;&#38;amp;&#60;/a&#62;";
    expect(html`<p title="${text}">${text}</p>`.toString()).toBe(`<p title="${escaped}">${escaped}</p>`);
  });

  it("keeps what is, in lists too, and shows nothing for nothing", () => {
    const items = ["<", "b"].map((text) => html`<i>${text}</i>`);
    expect(html`<b>${items}</b>${undefined}${false}${0}`.toString()).toBe("<b><i>&#60;</i><i>b</i></b>0");
  });
});
