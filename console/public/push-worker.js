/* Shows what the alert service pushes, while no page is open. Nothing is fetched; kept is what was shown last of each event. */
const BOOK = 'shown';
const MOST = 200;

self.addEventListener('push', (event) => event.waitUntil(show(event.data ? event.data.json() : {})));

async function show(message) {
  const drill = message.mode === 'exercise' || message.mode === 'test';
  // A gateway that takes over from another may push the same message again: nobody is woken twice by it, also who has
  // closed it. The browser asks that something is shown for each push.
  const again = (await shown(message).catch(() => '')) === message.identifier;
  await self.registration.showNotification(drill ? `[${message.mode.toUpperCase()}] ${message.title}` : message.title, {
    body: message.body,
    lang: message.language,
    // One notification an event: the all-clear takes the place of the alarm.
    tag: message.incident,
    renotify: !again,
    requireInteraction: message.level === 'alarm',
    ...(again ? { silent: true } : { vibrate: message.level === 'alarm' ? [400, 200, 400, 200, 400] : [200] }),
    icon: '/favicon.svg',
    data: { area: message.area, identifier: message.identifier },
  });
  await keep(message).catch(() => {});
}

const page = ({ incident }) => `/shown/${encodeURIComponent(incident)}`;

/** Identifier of the message that was shown last of its event, or nothing. */
async function shown(message) {
  const kept = await (await caches.open(BOOK)).match(page(message));
  return kept?.text();
}

async function keep(message) {
  const book = await caches.open(BOOK);
  await book.put(page(message), new Response(message.identifier));
  for (const old of (await book.keys()).slice(0, -MOST)) await book.delete(old);
}

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const address = `/citizen?area=${encodeURIComponent(event.notification.data.area)}`;
  event.waitUntil(self.clients.openWindow(address));
});
