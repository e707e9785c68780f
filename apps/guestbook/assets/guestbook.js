// What others write appears by itself. Without this script nothing is missing: a reload shows it too.
const list = document.querySelector("[data-events]");
const template = document.querySelector("template[data-entry]");
const status = document.querySelector("[data-live-status]");

if (list !== null && template !== null && status !== null && "EventSource" in window) {
  const written = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });
  let newest = Number(list.dataset.newest);
  /** @type {EventSource | undefined} */
  let source;

  const show = (event) => {
    const entry = JSON.parse(event.data);
    if (entry.id <= newest) return;
    newest = entry.id;
    const item = template.content.cloneNode(true).querySelector("li");
    item.id = `entry-${entry.id}`;
    item.classList.add("fresh");
    item.querySelector(".text").textContent = entry.text;
    item.querySelector("bdi").textContent = entry.author;
    const time = item.querySelector("time");
    time.dateTime = entry.writtenAt;
    time.textContent = written.format(new Date(entry.writtenAt));
    list.prepend(item);
    status.textContent = `A new entry by ${entry.author}`;
  };

  const open = () => {
    // After a reconnect by itself the browser says with a header where it has come to; that goes before the address.
    source = new EventSource(`${list.dataset.events}?after=${newest}`);
    source.addEventListener("entry", show);
    source.addEventListener("open", () => (list.dataset.live = "on"));
    source.addEventListener("error", () => delete list.dataset.live);
  };

  // A page that the browser keeps for the back button must not hold a connection.
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => event.persisted && open());
  open();
}
