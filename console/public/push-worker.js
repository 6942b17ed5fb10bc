/* Shows what the alert service pushes, while no page is open. Nothing is fetched and nothing is kept. */
self.addEventListener('push', (event) => {
  const message = event.data ? event.data.json() : {};
  const drill = message.mode === 'exercise' || message.mode === 'test';
  event.waitUntil(
    self.registration.showNotification(drill ? `[${message.mode.toUpperCase()}] ${message.title}` : message.title, {
      body: message.body,
      lang: message.language,
      // One notification an event: the all-clear takes the place of the alarm.
      tag: message.incident,
      renotify: true,
      requireInteraction: message.level === 'alarm',
      vibrate: message.level === 'alarm' ? [400, 200, 400, 200, 400] : [200],
      icon: '/favicon.svg',
      data: { area: message.area },
    }),
  );
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const address = `/citizen?area=${encodeURIComponent(event.notification.data.area)}`;
  event.waitUntil(self.clients.openWindow(address));
});
