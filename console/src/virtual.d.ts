declare module 'virtual:symbols' {
  const symbols: Record<string, { svg: string; width: number; height: number }>;
  export default symbols;
}
