/** Are the light objects in use? Apart from them, so that whoever does not use them need not load what replaces globals. */
export let isLight = false;

export function setLight(value: boolean): void {
  isLight = value;
}
