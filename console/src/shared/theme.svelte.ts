/** Day or night; kept in this browser. */
export type Theme = 'day' | 'night';

const STORED = 'perisai.theme';

class ThemeState {
  theme = $state<Theme>('night');

  /** Takes the stored theme, else the one given. */
  start(standard: Theme): void {
    const stored = localStorage.getItem(STORED);
    this.set(stored === 'day' || stored === 'night' ? stored : standard);
  }

  set(theme: Theme): void {
    this.theme = theme;
    document.documentElement.dataset['theme'] = theme;
  }

  choose(theme: Theme): void {
    localStorage.setItem(STORED, theme);
    this.set(theme);
  }
}

export const theme = new ThemeState();
