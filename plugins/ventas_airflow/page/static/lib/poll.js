/**
 * Call `look(signal)` repeatedly while the page is visible, `pause()` milliseconds after the last
 * call has ended. An error of `look` goes to `trouble`, and the next pause is at least
 * `AFTER_TROUBLE`. Returns `{stop, now}`.
 */
const AFTER_TROUBLE = 5000;

export function poll(look, pause, trouble) {
  let timer;
  let controller;
  let stopped = false;

  async function round() {
    clearTimeout(timer);
    controller?.abort();
    const mine = new AbortController();
    controller = mine;
    let wait = pause();
    try {
      await look(mine.signal);
    } catch (error) {
      if (mine.signal.aborted) return;
      trouble(error);
      wait = Math.max(wait, AFTER_TROUBLE);
    }
    if (!stopped && controller === mine && !document.hidden) timer = setTimeout(round, wait);
  }

  function seen() {
    if (!document.hidden && !stopped) round();
  }
  document.addEventListener("visibilitychange", seen);
  round();
  return {
    now: round,
    stop() {
      stopped = true;
      clearTimeout(timer);
      controller?.abort();
      document.removeEventListener("visibilitychange", seen);
    },
  };
}
