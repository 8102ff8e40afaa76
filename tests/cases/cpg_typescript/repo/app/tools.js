const { total } = require("@demo/shapes");

exports.each = function (list, visit) {
  list.forEach(visit);
  return total(list);
};

exports.later = async () => {
  const shapes = await import("@demo/shapes");
  shapes.total([]);
  missing();
};
