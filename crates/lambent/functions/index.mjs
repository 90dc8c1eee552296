export const handler = async (event) => {
  console.log("squaring", event.number);
  return { square: event.number ** 2 };
};
