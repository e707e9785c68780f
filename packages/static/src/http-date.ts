const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const longDays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

const imfFixdate = /^([A-Z][a-z]{2}), (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const rfc850Date = /^([A-Z][a-z]{5,8}), (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const asctimeDate = /^([A-Z][a-z]{2}) ([A-Z][a-z]{2}) (\d{2}| \d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/;

/** A date in the preferred form: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7). */
export function formatHttpDate(milliseconds: number): string {
  return new Date(milliseconds).toUTCString();
}

/**
 * Reads an HTTP-date in any of its three forms, case and all (RFC 9110, section 5.6.7). The day of the week must be that of the date.
 *
 * @param now milliseconds: a year of two digits that would lie more than 50 years ahead is one of the past.
 * @returns milliseconds, or `undefined` for what is no HTTP-date, two of them joined by a comma included.
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  const imf = imfFixdate.exec(text);
  if (imf !== null) {
    const [, day, date, month, year, ...time] = imf;
    return moment(days.indexOf(day as (typeof days)[number]), Number(year), month, date, time);
  }
  const asctime = asctimeDate.exec(text);
  if (asctime !== null) {
    const [, day, month, date, hour, minute, second, year] = asctime;
    return moment(days.indexOf(day as (typeof days)[number]), Number(year), month, date, [hour, minute, second]);
  }
  const rfc850 = rfc850Date.exec(text);
  if (rfc850 === null) return undefined;
  const [, day, date, month, year, ...time] = rfc850;
  const weekday = longDays.indexOf(day as (typeof longDays)[number]);
  const thisYear = new Date(now).getUTCFullYear();
  let fullYear = thisYear - (thisYear % 100) + Number(year) + 100;
  // The latest year with these two digits that is not more than 50 years ahead.
  while (fullYear > thisYear + 50) fullYear -= 100;
  return moment(weekday, fullYear, month, date, time);
}

function moment(
  weekday: number,
  year: number,
  monthName: string | undefined,
  date: string | undefined,
  time: readonly (string | undefined)[],
): number | undefined {
  const month = months.indexOf(monthName as (typeof months)[number]);
  const [hour = NaN, minute = NaN, second = NaN] = time.map(Number);
  // A leap second is written as 60.
  if (weekday < 0 || month < 0 || hour > 23 || minute > 59 || second > 60) return undefined;
  const day = new Date(0);
  day.setUTCFullYear(year, month, Number(date));
  // The 31st of a month that has none would be read as a day of the next.
  if (day.getUTCDate() !== Number(date) || day.getUTCDay() !== weekday) return undefined;
  return day.getTime() + ((hour * 60 + minute) * 60 + second) * 1000;
}
