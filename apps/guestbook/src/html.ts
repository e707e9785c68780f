/** Text that is HTML already. Made by {@link html} only, so whatever else is a string gets escaped. */
export class Html {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  static template(this: void, strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
    return new Html(strings.reduce((text, string, i) => text + render(values[i - 1]) + string));
  }

  toString(): string {
    return this.#text;
  }
}

/** What may stand in a template: nothing for `undefined` and `false`, lists one after the other. */
export type HtmlValue = Html | string | number | false | undefined | readonly HtmlValue[];

/** HTML with values in it, for elements and for attributes in double quotes: ``html`<p title="${title}">${text}</p>` ``. What is no {@link Html} is escaped. */
export const html: typeof Html.template = Html.template;

function render(value: HtmlValue): string {
  if (value === undefined || value === false) return "";
  if (value instanceof Html) return value.toString();
  if (typeof value === "object") return value.map(render).join("");
  return String(value).replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
