const months = "Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec".split(",");

const imfFixdate = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/;
const rfc850Date = /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\d\d)-([A-Z][a-z]{2})-(\d\d) (\d\d):(\d\d):(\d\d) GMT$/;
const asctimeDate = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})$/;

/**
 * Reads an HTTP-date in any of its three forms (RFC 9110, section 5.6.7). The name of the day is not compared with the date.
 *
 * @param now milliseconds: a year of two digits that seems to be more than 50 years ahead is one of the past.
 * @returns milliseconds, or `undefined` for what is no date: a condition that holds one is ignored.
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  const imf = imfFixdate.exec(text);
  if (imf !== null) return moment(Number(imf[3]), imf[2], imf[1], imf.slice(4));
  const asctime = asctimeDate.exec(text);
  if (asctime !== null) return moment(Number(asctime[6]), asctime[1], asctime[2], asctime.slice(3, 6));
  const rfc850 = rfc850Date.exec(text);
  if (rfc850 === null) return undefined;
  const thisYear = new Date(now).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + Number(rfc850[3]);
  return moment(year > thisYear + 50 ? year - 100 : year, rfc850[2], rfc850[1], rfc850.slice(4));
}

function moment(year: number, monthName = "", dayText = "", time: readonly string[] = []): number | undefined {
  const month = months.indexOf(monthName);
  const day = Number(dayText);
  const [hour = 0, minute = 0, second = 0] = time.map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  // A month or a day that there is not would become another one. A leap second is written as 60.
  if (month === -1 || date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 60) return undefined;
  return date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000;
}
