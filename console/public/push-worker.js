/* Shows what the alert service pushes, while no page is open. Nothing is fetched and nothing is kept. */
self.addEventListener('push', (event) => event.waitUntil(show(event.data ? event.data.json() : {})));

async function show(message) {
  const drill = message.mode === 'exercise' || message.mode === 'test';
  const shown = await self.registration.getNotifications({ tag: message.incident });
  await self.registration.showNotification(drill ? `[${message.mode.toUpperCase()}] ${message.title}` : message.title, {
    body: message.body,
    lang: message.language,
    // One notification an event: the all-clear takes the place of the alarm.
    tag: message.incident,
    // A gateway that takes over from another may push the same message again: nobody is woken twice by it.
    renotify: !shown.some((one) => one.data?.identifier === message.identifier),
    requireInteraction: message.level === 'alarm',
    vibrate: message.level === 'alarm' ? [400, 200, 400, 200, 400] : [200],
    icon: '/favicon.svg',
    data: { area: message.area, identifier: message.identifier },
  });
}

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const address = `/citizen?area=${encodeURIComponent(event.notification.data.area)}`;
  event.waitUntil(self.clients.openWindow(address));
});
